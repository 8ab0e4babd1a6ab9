"""How sure a difference of two methods is: a paired bootstrap over queries."""

from collections.abc import Sequence

import numpy as np

__all__ = ["mean_hits", "paired_bootstrap"]

_DRAWS = 10_000


def mean_hits(hits: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return for each query, (Q,), in which share of the runs it hit; `hits` has a text of 0 and 1 a run."""
    found: np.ndarray[tuple[int], np.dtype[np.float64]] = np.mean(
        [np.frombuffer(run.encode(), np.uint8) - ord("0") for run in hits], axis=0
    )
    return found


def paired_bootstrap(first: Sequence[str], second: Sequence[str], *, seed: int = 0) -> tuple[float, float, float]:
    """Return by how much Recall@1 of the first runs exceeds that of the second, and its interval of 95 %.

    Queries are drawn with replacement, the same for both sides; runs are not, so what seeds vary is averaged, not
    resampled.

    Args:
        first: A text of 0 and 1 a run, a place a query.
        second: The same queries in the same order.
        seed: Of the draws.
    """
    differences = mean_hits(first) - mean_hits(second)
    random = np.random.default_rng(seed)
    draws = np.array(
        [differences[random.integers(0, len(differences), len(differences))].mean() for _ in range(_DRAWS)]
    )
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(differences.mean()), float(low), float(high)
