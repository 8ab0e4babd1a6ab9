"""The nearest of what a filter keeps, found with recall that doesn't depend on the filter.

An index that skips what a filter leaves out is good only where what is kept lies evenly among the rest. Filters follow
classes, and so do vectors: with half of the clusters kept, an IVF and an HNSW tuned to recall@10 of .99 found .57 and
.63 of the right hits with FAISS's selector, .88 and .92 when they looked harder (`benchmarks/filters.py`). So the index
is asked for more than is wanted, as if there were no filter, and what it finds is filtered. Where enough is left, the
hits are as good as the index; where it isn't, the query's neighbourhood was left out, and its hits are found exactly.
"""

import math
from typing import Final, Protocol

import numpy as np

from smserve.gallery.bitmap import Bitmap, Positions
from smserve.gallery.exact import search_exactly
from smserve.types import FloatArray

__all__ = ["EXACT_SHARE", "SearchableIndex", "search_kept"]

EXACT_SHARE: Final = 0.2
"""Of all positions: where a filter keeps less, its hits are found exactly.

At 20 % kept, correlated filters included, recall@10 of two IVF was still .998 and .993; at 15 % .990 and .978, at 10 %
.979 and .954. To be as fast as an index, exact search could begin at 5 to 10 % of 100,000: recall decides.
"""
_GATHERED_FROM: Final = 4  # queries; from there on a matrix product beats FAISS's own look at what a bitmap keeps
_SPARE: Final = 3  # standard deviations
_MOST_ASKED: Final = 0.1  # of all positions; to ask an index for more takes longer than to compare with all

Found = list[tuple[Positions, FloatArray]]
"""For each query positions and cosines, by falling cosine."""


class SearchableIndex(Protocol):
    """What is asked of an index; see `VectorIndex`."""

    def search(self, queries: FloatArray, top_k: int, kept: Bitmap | None = None) -> Found:
        """Find the nearest vectors of each query."""

    def __len__(self) -> int:
        """Number of vectors."""


def search_kept(
    *,
    index: SearchableIndex,
    vectors: FloatArray,
    kept: Bitmap,
    queries: FloatArray,
    top_k: int,
    approximate: bool,
    exact_share: float = EXACT_SHARE,
) -> Found:
    """Find the nearest kept vectors of each query.

    Args:
        index: Over all of `vectors`.
        vectors: (N, D) float32, unit norm; may be mapped from a file.
        kept: Of N positions, those that may be found.
        queries: (Q, D) float32, unit norm.
        top_k: At least 1; fewer hits come back where fewer are kept.
        approximate: The index may miss hits; else it finds all.
        exact_share: See `EXACT_SHARE`.

    Returns:
        For each query positions and cosines, by falling cosine.
    """
    positions = kept.positions()
    share = len(positions) / max(1, kept.size)
    wanted = min(top_k, len(positions))
    asked = _asked_for(wanted, share) if wanted else 0
    if share < exact_share or asked > _MOST_ASKED * kept.size:
        return search_exactly(queries, vectors, top_k, positions)
    if not approximate:
        if len(queries) >= _GATHERED_FROM:
            return search_exactly(queries, vectors, top_k, positions)
        return index.search(queries, top_k, kept)
    found: Found = []
    short = []
    for number, (where, scores) in enumerate(index.search(queries, asked)):
        fine = kept.contains(where)
        found.append((where[fine][:wanted], scores[fine][:wanted]))
        if np.count_nonzero(fine) < wanted:
            short.append(number)
    if short:
        for number, exact in zip(short, search_exactly(queries[short], vectors, wanted, positions), strict=True):
            found[number] = exact
    return found


def _asked_for(wanted: int, share: float) -> int:
    """Return how many neighbours to ask for, so that enough of them are kept where those lie evenly."""
    return math.ceil((wanted + _SPARE * math.sqrt(wanted) + _SPARE) / share)
