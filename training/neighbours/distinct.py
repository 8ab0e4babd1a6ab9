"""Identical vectors as one, so that however far a net has collapsed, no edge of a graph leads nowhere."""

from typing import Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["Distinct"]


class Distinct:
    """Vectors, each once, and who has it.

    Attributes:
        vectors: (V, D), in the order of their first occurrence; with no two alike, the vectors that were given.
        vertex: (N,) which of them each given vector is.
    """

    def __init__(self, vectors: NDArray[np.float32], vertex: NDArray[np.int64]) -> None:
        """Take the distinct vectors and the place of each of N among them; `of` finds both."""
        self.vectors = vectors
        self.vertex = vertex
        self._members = np.argsort(vertex, kind="stable")  # (N,) by vertex, then by index
        self._size = np.bincount(vertex, minlength=len(vectors))
        self._start = np.cumsum(self._size) - self._size

    @classmethod
    def of(cls, vectors: NDArray[np.float32]) -> Self:
        """Find the distinct ones of (N, D)."""
        vectors = np.ascontiguousarray(vectors) + np.float32(0)  # -0 and 0 are the same, but not the same bytes
        rows = vectors.view(np.dtype((np.void, vectors.shape[1] * vectors.itemsize))).ravel()
        _, first, inverse = np.unique(rows, return_index=True, return_inverse=True)
        order = np.argsort(first)
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        return cls(vectors[first[order]], rank[inverse])

    def lists(
        self, anchors: NDArray[np.int64], vertices: NDArray[np.int64], distances: NDArray[np.float32], count: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Turn lists of vertices into lists of the given vectors' indices, each anchor itself left out.

        Args:
            anchors: (A,) indices.
            vertices: (A, k) the nearest to each anchor, its own included, nearest first; -1 in empty places.
            distances: (A, k) squared.
            count: Places of a list.

        Returns:
            Indices (A, count), ascending by distance, then by index, -1 in empty places; and distances, there infinite.
        """
        places = count + 1  # the anchor may take one
        size = np.where(vertices >= 0, self._size[vertices], 0)  # (A, k)
        taken = np.clip(places - (np.cumsum(size, axis=1) - size), 0, size)  # of each vertex's members
        filled = taken.sum(1)  # (A,)
        column = np.arange(filled.sum()) - np.repeat(np.cumsum(filled) - filled, filled)
        row = np.repeat(np.arange(len(anchors)), filled)
        each = taken.ravel()
        member = np.arange(filled.sum()) - np.repeat(np.cumsum(each) - each, each)
        indices = np.full((len(anchors), places), -1, np.int64)
        indices[row, column] = self._members[np.repeat(self._start[vertices].ravel(), each) + member]
        reach = np.full((len(anchors), places), np.inf, np.float32)
        reach[row, column] = np.repeat(distances.ravel(), each)

        own = indices == anchors[:, np.newaxis]
        indices[own], reach[own] = -1, np.inf
        order = np.lexsort((indices, reach), axis=1)[:, :count]
        return np.take_along_axis(indices, order, 1), np.take_along_axis(reach, order, 1)
