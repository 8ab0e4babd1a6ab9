"""Queries to measure recall with, made of a gallery's own vectors, and their true neighbours."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from smserve.gallery.index import nearest_exactly
from smserve.types import FloatArray

__all__ = ["MeasuredQueries", "between_neighbours", "left_out"]

_TOP_K: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeasuredQueries:
    """Queries whose true neighbours are known.

    Attributes:
        queries: (Q, D) float32, unit norm.
        kth_scores: (Q,) cosine of the k-th true neighbour.
        vectors: (N, D) that are searched.
        k: Neighbours a query: 10, or fewer in a smaller gallery.
    """

    queries: FloatArray
    kth_scores: FloatArray
    vectors: FloatArray
    k: int

    @classmethod
    def of(cls, queries: FloatArray, vectors: FloatArray) -> "MeasuredQueries":
        """Find the true neighbours by comparing with every vector."""
        k = min(_TOP_K, len(vectors))
        scores, _ = nearest_exactly(vectors, queries, k)
        return cls(queries=queries, kth_scores=scores[:, -1], vectors=vectors, k=k)


def left_out(vectors: FloatArray, count: int, seed: int) -> MeasuredQueries:
    """Leave some vectors out, and search for them among the others.

    An indexed vector as its own query is found too easily: it is its own nearest neighbour, its list is the right one,
    its links lead to the answer. A left-out one is to the index what a new picture of the same kind is.

    Args:
        vectors: (N, D).
        count: Queries; at most half of the vectors.
        seed: Of the choice.
    """
    chosen = np.random.default_rng(seed).choice(len(vectors), min(count, len(vectors) // 2), replace=False)
    stays = np.ones(len(vectors), np.bool_)
    stays[chosen] = False
    return MeasuredQueries.of(np.array(vectors[np.sort(chosen)]), vectors[stays])


def between_neighbours(vectors: FloatArray, count: int, seed: int) -> MeasuredQueries:
    """Make queries for an index that holds all vectors.

    A query is a vector moved by the difference of two of its neighbours, over the square root of 2: about as far from
    it as they are, and in a direction that vectors differ in there. On clustered vectors IVF and HNSW found as much of
    the neighbours of such queries as of left-out ones, to within 0.01.

    Args:
        vectors: (N, D), N at least 1.
        count: Queries; at most N.
        seed: Of the choice.
    """
    random = np.random.default_rng(seed)
    chosen = np.sort(random.choice(len(vectors), min(count, len(vectors)), replace=False))
    near = min(_TOP_K + 1, len(vectors))  # the vector itself among them
    _, neighbours = nearest_exactly(vectors, np.array(vectors[chosen]), near)
    rows = np.arange(len(chosen))
    first, second = random.integers(0, near, (2, len(chosen)))
    moved = vectors[neighbours[rows, first]] - vectors[neighbours[rows, second]]
    queries = vectors[chosen] + moved / np.float32(np.sqrt(2))
    queries /= np.maximum(np.linalg.norm(queries, axis=1, keepdims=True), np.float32(1e-12))
    return MeasuredQueries.of(queries.astype(np.float32), vectors)
