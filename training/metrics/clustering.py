"""NMI: how well clusters of embeddings match the classes."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["normalised_mutual_information"]


def normalised_mutual_information(
    embeddings: NDArray[np.float32], labels: NDArray[np.int64], seeds: Sequence[int] = (0,)
) -> float:
    """Return 2 I / (H1 + H2), in [0, 1], of the classes and of k-means clusters, as many as there are classes.

    Args:
        embeddings: (N, D).
        labels: (N,).
        seeds: One k-means a seed; the mean is returned.
    """
    from sklearn.cluster import KMeans
    from sklearn.metrics import normalized_mutual_info_score

    count = len(np.unique(labels))
    scores = [
        normalized_mutual_info_score(labels, KMeans(count, n_init=1, random_state=seed).fit_predict(embeddings))
        for seed in seeds
    ]
    return float(np.mean(scores))
