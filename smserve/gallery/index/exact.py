"""Exact neighbours of many queries at once, without an index and without a copy of the vectors."""

import faiss
import numpy as np
from numpy.typing import NDArray

from smserve.gallery.index.threads import using_threads
from smserve.types import FloatArray

__all__ = ["nearest_exactly"]


def nearest_exactly(
    vectors: FloatArray, queries: FloatArray, top_k: int, *, threads: int = 1
) -> tuple[FloatArray, NDArray[np.int64]]:
    """Return cosines and positions (Q, top_k), by falling cosine.

    Args:
        vectors: (N, D) float32, unit norm; may be mapped from a file.
        queries: (Q, D) float32, unit norm.
        top_k: At most N.
        threads: That share the work.
    """
    with using_threads(threads):
        found: tuple[FloatArray, NDArray[np.int64]] = faiss.knn(
            np.ascontiguousarray(queries), np.ascontiguousarray(vectors), top_k, metric=faiss.METRIC_INNER_PRODUCT
        )
    return found
