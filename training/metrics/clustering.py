"""NMI: how well clusters of embeddings match the classes."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from smserve.errors import InvalidInput
from training.metrics.k_means import k_means

__all__ = ["nmi_of_clusters", "normalised_mutual_information"]


def normalised_mutual_information(
    embeddings: Tensor | NDArray[np.float32], labels: NDArray[np.int64], seeds: Sequence[int] = (0,)
) -> float:
    """Return 2 I / (H1 + H2), in [0, 1], of the classes and of k-means clusters, as many as there are classes.

    Args:
        embeddings: (N, D); k-means runs where they are.
        labels: (N,).
        seeds: One k-means a seed; the mean is returned.

    Raises:
        InvalidInput: There are more or fewer labels than embeddings, or no seeds.
    """
    if len(seeds) == 0:
        raise InvalidInput("there are no seeds for k-means; wanted 1 or more", field="seeds")
    _check_lengths(len(embeddings), "embeddings", labels)
    points = torch.as_tensor(embeddings)
    count = len(np.unique(labels))
    return float(np.mean([nmi_of_clusters(k_means(points, count, seed).cpu().numpy(), labels) for seed in seeds]))


def nmi_of_clusters(clusters: NDArray[np.int64], labels: NDArray[np.int64]) -> float:
    """Return 2 I / (H1 + H2) of two ways to divide the same pictures, (N,) each; 1 where neither divides them.

    Raises:
        InvalidInput: Their lengths differ.
    """
    _check_lengths(len(clusters), "clusters", labels)
    entropies = _entropy(clusters) + _entropy(labels)
    if entropies == 0:
        return 1.0
    of_labels = np.unique(labels, return_inverse=True)[1]
    together = np.unique(clusters, return_inverse=True)[1] * (int(of_labels.max()) + 1) + of_labels
    mutual = entropies - _entropy(together)  # I = H1 + H2 - H12
    return float(np.clip(2 * mutual / entropies, 0, 1))


def _entropy(labels: NDArray[np.int64]) -> float:
    shares = np.unique(labels, return_counts=True)[1] / max(1, len(labels))
    return float(-(shares * np.log(shares)).sum())


def _check_lengths(count: int, of: str, labels: NDArray[np.int64]) -> None:
    if count != len(labels):
        raise InvalidInput(f"there are {len(labels)} labels for {count} {of}", field="labels")
