"""Embeddings on a plane: t-SNE by scikit-learn."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["FEWEST", "project"]

FEWEST: Final = 5
"""With fewer pictures there is nothing to see."""
_PERPLEXITY: Final = 30.0
_NEIGHBOURS_OF_PERPLEXITY: Final = 3  # t-SNE looks at three times as many neighbours


def project(embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return places (N, 2) of embeddings (N, D) of unit norm, N at least `FEWEST`; the same for the same input."""
    from sklearn.manifold import TSNE

    perplexity = min(_PERPLEXITY, (len(embeddings) - 1) / _NEIGHBOURS_OF_PERPLEXITY)
    # The first places are random and not principal components, which may be fewer than two.
    places = TSNE(perplexity=perplexity, init="random", random_state=0).fit_transform(embeddings)
    return np.asarray(places, np.float32)
