"""Random draws by class, for many anchors at a time."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["ClassMembers"]

Indices = NDArray[np.int64]

_TILE_ELEMENTS = 2**22  # places of lists looked at together: 32 MiB an array


class ClassMembers:
    """The pictures of each class of a reference set.

    Anchors come as two arrays of one length: their classes, each of which the reference set holds, and their own places
    in it, -1 for an anchor that isn't in it.
    """

    def __init__(self, labels: Indices) -> None:
        """Take the classes (N,) of the reference set, whole numbers from 0."""
        self._order = np.argsort(labels, kind="stable")  # by class, then by index
        self._sizes = np.bincount(labels)
        self._starts = np.cumsum(self._sizes) - self._sizes
        self._rank = np.empty_like(self._order)  # of each picture within its class
        self._rank[self._order] = np.arange(len(labels)) - self._starts[labels[self._order]]

    def positives(self, labels: Indices, own: Indices, random: np.random.Generator) -> Indices:
        """Return for each anchor a member of its class that isn't itself."""
        rank = np.where(own >= 0, self._rank[own], self._sizes[labels])  # an anchor from elsewhere: behind the last
        drawn = random.integers(0, self._sizes[labels] - (own >= 0))
        chosen: Indices = self._order[self._starts[labels] + drawn + (drawn >= rank)]
        return chosen

    def negatives(self, labels: Indices, random: np.random.Generator) -> Indices:
        """Return for each anchor a picture of another class."""
        drawn = random.integers(0, len(self._order) - self._sizes[labels])
        return self._order[np.where(drawn < self._starts[labels], drawn, drawn + self._sizes[labels])]

    def outside(
        self, labels: Indices, own: Indices, lists: Indices, same: NDArray[np.bool_], random: np.random.Generator
    ) -> Indices:
        """Return for each anchor a member of its class that isn't in its list; any other where the list has all.

        Args:
            labels: (A,) classes of the anchors.
            own: (A,) places of the anchors.
            lists: (A, k) indices into the reference set.
            same: (A, k) whether they are of the anchor's class.
            random: Source of chance.
        """
        rows = max(1, _TILE_ELEMENTS // (lists.shape[1] + 1))
        parts = [
            self._outside(labels[part], own[part], lists[part], same[part], random)
            for part in (slice(start, start + rows) for start in range(0, len(labels), rows))
        ]
        return np.concatenate(parts) if parts else np.empty(0, np.int64)

    def _outside(
        self, labels: Indices, own: Indices, lists: Indices, same: NDArray[np.bool_], random: np.random.Generator
    ) -> Indices:
        size = self._sizes[labels][:, np.newaxis]  # (A, 1)
        # Ranks that are ruled out, ascending and each once; `size` and above stand for none.
        ruled_out = np.where(same, self._rank[lists], size)
        ruled_out = np.append(ruled_out, np.where(own >= 0, self._rank[own], size[:, 0])[:, np.newaxis], axis=1)
        ruled_out.sort(axis=1)
        ruled_out[:, 1:][ruled_out[:, 1:] == ruled_out[:, :-1]] = size.max(initial=0)
        ruled_out.sort(axis=1)
        left = size[:, 0] - (ruled_out < size).sum(1)
        drawn = random.integers(0, np.maximum(left, 1))
        # The r-th rank that is left has as many ruled out below it as there are i with (i-th ruled out) - i <= r.
        below = (ruled_out - np.arange(ruled_out.shape[1]) <= drawn[:, np.newaxis]) & (ruled_out < size)
        chosen: Indices = self._order[self._starts[labels] + np.minimum(drawn + below.sum(1), size[:, 0] - 1)]
        none = left == 0
        chosen[none] = self.positives(labels[none], own[none], random)
        return chosen
