"""Rows that searches found lately: each was read and verified once, and is never changed, only deleted."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from smserve.gallery.row import FoundRow

__all__ = ["ROWS_BYTES", "RowCache"]

ROWS_BYTES: Final = 64 * 2**20
"""Kept by default."""

_PARTS: Final = 8


def _always_the_same() -> int:
    return 0


class RowCache:
    """Holds the rows found last, up to a number of bytes; safe to use from many threads.

    An upsert gives its item a new key, so that what stands here under a key is right as long as the row is there. Who
    writes alone knows from the view that it searches which rows are. A reader learns from a row that is gone that its
    view is behind what others wrote, and so keeps rows only until somebody writes.

    What is asked for lives in the youngest of several parts; once that is full, a new one takes its place, and the
    oldest is forgotten, with what was not asked for meanwhile. So reading takes no lock, and memory stays level.
    """

    def __init__(
        self, most_bytes: int = ROWS_BYTES, state: Callable[[], int] = _always_the_same, *, state_holds_s: float = 0
    ) -> None:
        """Begin without any.

        Args:
            most_bytes: Of rows, about.
            state: Returns a number that has grown since its last call if somebody else has written meanwhile.
            state_holds_s: As long as its last answer is relied on.
        """
        self._most_part: Final = most_bytes // _PARTS
        self._state: Final = state
        self._state_holds_s: Final = state_holds_s
        self._known_state = state()
        self._holds_until = time.monotonic() + state_holds_s
        self._parts: tuple[dict[int, FoundRow], ...] = ({},)  # the youngest first
        self._young_bytes = 0
        self._is_closed = False
        self._changing: Final = threading.Lock()

    def find(self, keys: Iterable[int], read: Callable[[Sequence[int]], Mapping[int, FoundRow]]) -> dict[int, FoundRow]:
        """Return the rows of those keys that are here, or else can be read.

        Args:
            keys: Of the rows.
            read: Returns the rows, by key, of those that are there.
        """
        state, now = self._known_state, time.monotonic()
        if now >= self._holds_until:
            self._holds_until = now + self._state_holds_s
            state = self._state()
            if state > self._known_state:
                self._forget(state)
        young, *older = self._parts
        found: dict[int, FoundRow] = {}
        moved: list[FoundRow] = []
        missing: list[int] = []
        for key in keys:
            row = young.get(key)
            if row is None:
                for part in older:
                    row = part.get(key)
                    if row is not None:
                        moved.append(row)
                        break
                else:
                    missing.append(key)
                    continue
            found[key] = row
        if missing:
            rows = read(sorted(missing))
            found |= rows
            moved += rows.values()
        if moved:
            self._keep(moved, state)
        return found

    def close(self) -> None:
        """Forget all, and keep nothing from now on."""
        with self._changing:
            self._is_closed = True
            self._parts = ({},)

    def _forget(self, state: int) -> None:
        with self._changing:
            if state > self._known_state:
                self._parts, self._young_bytes = ({},), 0
                self._known_state = state

    def _keep(self, rows: Iterable[FoundRow], state: int) -> None:
        """Keep rows that were read in a state, or after it, unless it is over: they may be gone since."""
        with self._changing:
            if self._is_closed or state != self._known_state:
                return
            young = self._parts[0]
            for row in rows:
                if row.key not in young:
                    young[row.key] = row
                    self._young_bytes += row.size_bytes
            if self._young_bytes > self._most_part:
                self._parts, self._young_bytes = ({}, *self._parts[: _PARTS - 1]), 0
