"""Clustered vectors, and the true neighbours of queries drawn like them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["DIMENSION", "TOP_K", "Data"]

DIMENSION, TOP_K = 64, 10
_CHUNK = 50  # queries at a time


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Data:
    """What every side searches.

    Attributes:
        vectors: (N, 64) float32, unit norm.
        queries: (Q, 64), drawn with the vectors and left out.
        truth: (Q, 10) positions of the nearest vectors.
    """

    vectors: NDArray[np.float32]
    queries: NDArray[np.float32]
    truth: NDArray[np.int64]

    @classmethod
    def drawn(cls, count: int, queries: int, seed: int = 0) -> "Data":
        """Draw clusters of 100 on average, of very different sizes (log-normal) and widths, around random centres.

        The neighbours of a vector are of its cluster, but widest clusters are as wide as the distance between centres.
        """
        random = np.random.default_rng(seed)
        clusters = max(8, count // 100)
        centres = random.standard_normal((clusters, DIMENSION), np.float32)
        centres /= np.linalg.norm(centres, axis=1, keepdims=True)
        sizes = random.lognormal(0, 1, clusters)
        widths = random.uniform(0.4, 1.0, clusters).astype(np.float32)
        which = random.choice(clusters, count + queries, p=sizes / sizes.sum())
        points = random.standard_normal((count + queries, DIMENSION), np.float32)
        points *= (widths[which] / np.float32(np.sqrt(DIMENSION)))[:, None]
        points += centres[which]
        points /= np.linalg.norm(points, axis=1, keepdims=True)
        vectors, asked = points[:count], points[count:]
        return cls(vectors=vectors, queries=asked, truth=_neighbours(vectors, asked))

    def save(self, path: Path) -> None:
        """Write it where other processes load it."""
        np.savez(path, vectors=self.vectors, queries=self.queries, truth=self.truth)

    @classmethod
    def load(cls, path: Path) -> "Data":
        """Read what `save` wrote."""
        with np.load(path) as arrays:
            return cls(vectors=arrays["vectors"], queries=arrays["queries"], truth=arrays["truth"])

    def recall(self, found: NDArray[np.int64]) -> float:
        """Return recall@10 of found positions (Q, 10)."""
        return float(np.mean([len(np.intersect1d(*pair)) for pair in zip(found, self.truth, strict=True)]) / TOP_K)


def _neighbours(vectors: NDArray[np.float32], queries: NDArray[np.float32]) -> NDArray[np.int64]:
    """Compare with every vector."""
    found = []
    for start in range(0, len(queries), _CHUNK):
        scores = queries[start : start + _CHUNK] @ vectors.T
        found.append(np.argpartition(scores, -TOP_K, axis=1)[:, -TOP_K:].copy())  # a view would keep all of it
    return np.concatenate(found).astype(np.int64)
