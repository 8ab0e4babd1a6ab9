"""Every state that a gallery went through, and which of them an answer may be of."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.swapping.clients import TOP_K, Answers
from smserve.gallery import NewItem
from smserve.types import FloatArray

__all__ = ["History"]

_TOLERANCE: Final = 1e-5


class History:
    """Items are numbered, item `7` is row 7; a write adds some or replaces them.

    Attributes:
        queries: (Q, D), which answers name by number.
    """

    def __init__(self, queries: FloatArray) -> None:
        self.queries: Final = queries
        self._writes: Final[list[tuple[int, Sequence[NewItem]]]] = []  # sequence, items
        self._first: Final[dict[int, int]] = {}  # generation -> the first sequence that it was searched at

    def wrote(self, sequence: int, items: Sequence[NewItem]) -> None:
        """Note a write."""
        self._writes.append((sequence, items))

    def swapped(self, generation: int, sequence: int) -> None:
        """Note that a generation was swapped in; it holds what was written up to a sequence."""
        self._first[generation] = sequence

    def wrong(self, answers: Answers) -> int:
        """Return how many answers are not the exact answer of a state that they can be of.

        An answer that names its write is of that state alone; another one is of any state of its generation.
        """
        part = slice(0, answers.count)
        generation, named = answers.generation[part], answers.sequence[part]
        numbers = np.array(sorted(self._first))
        firsts = np.array([self._first[number] for number in numbers])
        lasts = np.append(firsts[1:], self._writes[-1][0])
        place = np.searchsorted(numbers, generation).clip(max=len(numbers) - 1)
        known = numbers[place] == generation
        first, last = firsts[place], lasts[place]
        inside = known & ((named < 0) | (first <= named) & (named <= last))
        first, last = np.where(named < 0, first, named), np.where(named < 0, last, named)
        right = np.zeros(answers.count, np.bool_)
        vectors = np.empty((0, self.queries.shape[1]), np.float32)
        for sequence, items in self._writes:
            vectors = _written(vectors, items)
            possible = np.flatnonzero(inside & (first <= sequence) & (sequence <= last))
            if len(possible):
                right[possible] |= self._exact(vectors, answers, possible)
        return int(np.count_nonzero(~right))

    def _exact(self, vectors: FloatArray, answers: Answers, possible: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which of these answers are exact for a state."""
        scores = self.queries @ vectors.T  # (Q, N)
        best = -np.sort(-scores, axis=1)[:, :TOP_K]
        query, rows, told = answers.query[possible], answers.rows[possible], answers.scores[possible]
        ordered = np.sort(rows, axis=1)
        different = (np.diff(ordered, axis=1) > 0).all(axis=1) & (ordered[:, 0] >= 0)
        near = np.abs(told - best[query]).max(axis=1) <= _TOLERANCE
        own = np.abs(told - scores[query[:, np.newaxis], rows]).max(axis=1) <= _TOLERANCE
        exact: NDArray[np.bool_] = different & near & own
        return exact


def _written(vectors: FloatArray, items: Sequence[NewItem]) -> FloatArray:
    """Return the vectors after a write."""
    rows = np.array([int(item.item_id) for item in items])
    missing = max(0, int(rows.max()) + 1 - len(vectors))
    vectors = np.concatenate([vectors, np.zeros((missing, vectors.shape[1]), np.float32)])
    vectors[rows] = [item.vector for item in items]
    return vectors
