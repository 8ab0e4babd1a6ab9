"""Rows written since the generation in use: kept in memory and searched exactly."""

import threading
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smserve.gallery.bitmap import Positions
from smserve.gallery.exact import search_exactly
from smserve.types import FloatArray

__all__ = ["FreshRows"]

_LEAST_ROOM: Final = 256
_LEAST_SQUEEZED: Final = 1024  # dead rows that are not worth a copy of the others


class _Room:
    """A growing matrix that snapshots share; what a snapshot sees of it never changes."""

    def __init__(self, rows: int, dimension: int) -> None:
        self.keys: Final = np.empty(rows, np.int64)
        self.vectors: Final = np.empty((rows, dimension), np.float32)
        self._used = 0
        self._lock: Final = threading.Lock()

    def add(self, after: int, keys: Positions, vectors: FloatArray) -> bool:
        """Add rows behind the first `after`; False where there is no room, or another snapshot has added its own."""
        with self._lock:
            stop = after + len(keys)
            if self._used != after or stop > len(self.keys):
                return False
            self.keys[after:stop], self.vectors[after:stop] = keys, vectors
            self._used = stop
            return True


class FreshRows:
    """A snapshot: never changed, shared by searches.

    Attributes:
        keys: (M,) ascending.
        vectors: (M, D).
        alive: (M,) rows that were not replaced or deleted since; None means all.
    """

    def __init__(self, room: _Room, count: int, alive: NDArray[np.bool_] | None) -> None:
        """See `none` and `after`."""
        self._room: Final = room
        self.keys: Final = room.keys[:count]
        self.vectors: Final = room.vectors[:count]
        self.alive: Final = alive

    @classmethod
    def none(cls, dimension: int) -> "FreshRows":
        """Return no rows."""
        return cls(_Room(_LEAST_ROOM, dimension), 0, None)

    def __len__(self) -> int:
        """Rows, dead ones included: what a search costs."""
        return len(self.keys)

    def living(self) -> Positions:
        """Return the positions of the rows that are alive."""
        return np.arange(len(self)) if self.alive is None else np.flatnonzero(self.alive)

    def after(self, keys: Positions, vectors: FloatArray, removed: Positions) -> tuple["FreshRows", int]:
        """Return the rows after a write, and how many of these rows died by it.

        Args:
            keys: (M',) of new rows, ascending, all larger than those here.
            vectors: (M', D).
            removed: Keys of removed rows, of which some may be none of these.
        """
        alive, died = self.alive, 0
        hit = np.isin(self.keys, removed)
        if hit.any():
            before = np.ones(len(self), np.bool_) if alive is None else alive
            alive = before & ~hit
            died = int(before.sum() - alive.sum())
        if len(keys) and alive is not None:
            alive = np.concatenate([alive, np.ones(len(keys), np.bool_)])
        room, count = self._room, len(self) + len(keys)
        if len(keys) and not room.add(len(self), keys, vectors):
            room = _copy(self.keys, self.vectors, keys, vectors)
        rows = FreshRows(room, count, alive)
        return rows.squeezed(), died

    def squeezed(self) -> "FreshRows":
        """Return the same rows without the dead, where those are many."""
        living = self.living()
        if len(self) - len(living) < max(_LEAST_SQUEEZED, len(living)):
            return self
        none = np.empty(0, np.int64)
        room = _copy(none, self.vectors[:0], self.keys[living], self.vectors[living])
        return FreshRows(room, len(living), None)

    def search(
        self, queries: FloatArray, top_k: int, selected: NDArray[np.bool_] | None = None
    ) -> list[tuple[Positions, FloatArray]]:
        """Find the nearest living rows of each query (Q, D), among the selected (M,) ones; positions and scores."""
        wanted = self.alive if selected is None else selected if self.alive is None else selected & self.alive
        return search_exactly(queries, self.vectors, top_k, None if wanted is None else np.flatnonzero(wanted))


def _copy(old_keys: Positions, old_vectors: FloatArray, keys: Positions, vectors: FloatArray) -> _Room:
    """Return new room, twice as large as needed, that holds both."""
    count = len(old_keys) + len(keys)
    room = _Room(max(_LEAST_ROOM, 2 * count), old_vectors.shape[1])
    room.add(0, old_keys, old_vectors)
    room.add(len(old_keys), keys, vectors)
    return room
