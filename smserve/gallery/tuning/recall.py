"""How much of the true neighbours an index finds, and how sure that figure is."""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from smserve.gallery.bitmap import Positions
from smserve.types import FloatArray

__all__ = ["CONFIDENCE", "SAME_SCORE", "Recall", "recall_of"]

CONFIDENCE: Final = 0.95
"""Of the intervals of `Recall`, two-sided."""

SAME_SCORE: Final = 1e-5
"""Cosines that differ by less are equal: of duplicates any one is right."""

_Z: Final = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """Recall@k over sampled queries, and its confidence interval.

    Attributes:
        value: Mean share of a query's k nearest that were found.
        low: Of the interval.
        high: Of the interval.
        queries: How many.
        k: 10, or fewer in a smaller gallery.
    """

    value: float
    low: float
    high: float
    queries: int
    k: int

    @classmethod
    def of(cls, recalls: NDArray[np.float64], k: int) -> "Recall":
        """Return the Wilson interval over recalls (Q,) in [0, 1] of single queries.

        Of one query's k hits many are found or missed together, so they are fewer than Q * k independent trials: their
        number is taken from how the queries' recalls vary (the design effect of cluster sampling), and is Q where they
        don't vary at all.
        """
        queries, value = len(recalls), float(recalls.mean())
        variance = float(recalls.var())
        spread = value * (1 - value)
        trials = min(queries * k, queries * spread / variance) if variance > 0 else queries
        centre = (value + _Z**2 / (2 * trials)) / (1 + _Z**2 / trials)
        half = _Z / (1 + _Z**2 / trials) * math.sqrt(spread / trials + _Z**2 / (4 * trials**2))
        return cls(value=value, low=max(0.0, centre - half), high=min(1.0, centre + half), queries=queries, k=k)

    @classmethod
    def certain(cls, queries: int, k: int) -> "Recall":
        """Return the recall of exact search, which needs no measuring."""
        return cls(value=1.0, low=1.0, high=1.0, queries=queries, k=k)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON object for manifests and reports."""
        return {
            f"recall_at_{self.k}": round(self.value, 5),
            "low": round(self.low, 5),
            "high": round(self.high, 5),
            "confidence": CONFIDENCE,
            "queries": self.queries,
        }


def recall_of(
    found: list[tuple[Positions, FloatArray]], kth_scores: FloatArray, queries: FloatArray, vectors: FloatArray, k: int
) -> Recall:
    """Compare what an index found with the truth.

    Args:
        found: For each query positions and scores; the scores may be of codes, and don't count.
        kth_scores: (Q,) cosine of each query's k-th true neighbour; a hit at least as near is right.
        queries: (Q, D).
        vectors: (N, D) that the positions are of.
        k: Neighbours a query.
    """
    recalls = np.zeros(len(queries))
    for row, (positions, _) in enumerate(found):
        cosines = vectors[positions] @ queries[row]
        recalls[row] = np.count_nonzero(cosines >= kth_scores[row] - SAME_SCORE) / k
    return Recall.of(np.minimum(recalls, 1.0), k)
