"""All pairs of vectors that are nearer than a threshold."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smserve.gallery.bitmap import Positions
from smserve.gallery.index import IndexChoice, VectorIndex
from smserve.types import FloatArray

__all__ = ["EXACT_UP_TO", "NearPairs", "near_pairs"]

EXACT_UP_TO: Final = 100_000
"""Vectors that are all compared with each other: 5e9 products, some ten seconds of one core at D=64."""

_ROWS, _COLUMNS = 1024, 4096  # of a block of scores: 16 MiB
_NEIGHBOURS: Final = 10  # looked at per vector where there are more
_LISTS_PER_ROOT: Final = 4  # times the root of N, as FAISS advises
_PROBED: Final = 16  # lists: a near-duplicate lies in its twin's own list, or in one beside it

Found = tuple[Positions, Positions, FloatArray]
"""First (P,), second (P,) > first, and their cosines (P,)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NearPairs:
    """Pairs, those across labels first, then by falling cosine.

    Attributes:
        first: (P,) positions.
        second: (P,) positions, each larger than the first.
        scores: (P,) cosines.
        across: (P,) whether the two have different labels.
        total: How many there are; at most as many as were asked for are listed.
        total_across: Of them, those across labels.
        is_exact: Every pair was looked at; else each vector's 10 nearest, as an approximate index finds them.
    """

    first: Positions
    second: Positions
    scores: FloatArray
    across: NDArray[np.bool_]
    total: int
    total_across: int
    is_exact: bool


def near_pairs(
    vectors: FloatArray, labels: NDArray[np.int64], threshold: float, *, most: int, exact_up_to: int = EXACT_UP_TO
) -> NearPairs:
    """Find the pairs of vectors whose cosine reaches a threshold.

    Args:
        vectors: (N, D) of unit norm.
        labels: (N,) the number of each one's label; negative for none, which is across from nothing.
        threshold: Cosine, in (0, 1].
        most: Pairs to list; all are counted.
        exact_up_to: Vectors up to which every pair is looked at.
    """
    is_exact = len(vectors) <= exact_up_to
    best = _Best(labels, most)
    for found in _all_pairs(vectors, threshold) if is_exact else _neighbours(vectors, threshold):
        best.add(*found)
    return best.result(is_exact=is_exact)


def _all_pairs(vectors: FloatArray, threshold: float) -> Iterator[Found]:
    for top in range(0, len(vectors), _ROWS):
        rows = vectors[top : top + _ROWS]
        for left in range(top, len(vectors), _COLUMNS):
            scores = rows @ vectors[left : left + _COLUMNS].T  # (R, C)
            # Flat: several times faster than looking for pairs of indices, which are few.
            first, second = np.divmod(np.flatnonzero(scores.ravel() >= threshold), scores.shape[1])
            above = first + top < second + left
            first, second = first[above], second[above]
            yield first + top, second + left, scores[first, second]


def _neighbours(vectors: FloatArray, threshold: float) -> Iterator[Found]:
    lists = max(1, round(_LISTS_PER_ROOT * math.sqrt(len(vectors))))
    index = VectorIndex.build(vectors, IndexChoice(index=f"IVF{lists},Flat", nprobe=min(_PROBED, lists)))
    pairs, cosines = [], []
    for top in range(0, len(vectors), _ROWS):
        found = index.search(np.array(vectors[top : top + _ROWS]), _NEIGHBOURS + 1)
        ones = np.repeat(np.arange(top, top + len(found)), [len(where) for where, _ in found])
        others = np.concatenate([where for where, _ in found])
        scores = np.concatenate([each for _, each in found])
        near = (scores >= threshold) & (ones != others)
        ones, others = ones[near], others[near]
        pairs.append(np.minimum(ones, others) * len(vectors) + np.maximum(ones, others))
        cosines.append(scores[near])
    once, where = np.unique(np.concatenate(pairs), return_index=True)  # most are found from both sides
    yield once // len(vectors), once % len(vectors), np.concatenate(cosines)[where]


class _Best:
    """Counts all pairs, and keeps the most interesting ones."""

    def __init__(self, labels: NDArray[np.int64], most: int) -> None:
        self._labels: Final = labels
        self._most: Final = most
        self._kept: list[Found] = []
        self._count = self._total = self._across = 0

    def add(self, first: Positions, second: Positions, scores: FloatArray) -> None:
        self._total += len(first)
        self._across += int(self._differ(first, second).sum())
        self._kept.append((first, second, scores))
        self._count += len(first)
        if self._count > 4 * self._most:
            self._kept = [self._sorted()]
            self._count = len(self._kept[0][0])

    def result(self, *, is_exact: bool) -> NearPairs:
        first, second, scores = self._sorted()
        return NearPairs(
            first=first,
            second=second,
            scores=scores,
            across=self._differ(first, second),
            total=self._total,
            total_across=self._across,
            is_exact=is_exact,
        )

    def _sorted(self) -> Found:
        empty = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))
        first, second, scores = (np.concatenate(part) for part in zip(empty, *self._kept, strict=True))
        order = np.lexsort((second, first, -scores, ~self._differ(first, second)))[: self._most]
        return first[order], second[order], scores[order]

    def _differ(self, first: Positions, second: Positions) -> NDArray[np.bool_]:
        one, other = self._labels[first], self._labels[second]
        differ: NDArray[np.bool_] = (one != other) & (one >= 0) & (other >= 0)
        return differ
