"""Rows that searches found lately: each was read and verified once, and is never changed, only deleted."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from smserve.gallery.row import FoundRow

__all__ = ["ROWS_BYTES", "RowCache"]

ROWS_BYTES: Final = 64 * 2**20
"""Kept by default."""


def _always_the_same() -> int:
    return 0


class RowCache:
    """Holds the rows found last, up to a number of bytes; safe to use from many threads.

    An upsert gives its item a new key, so that what stands here under a key is right as long as the row is there. Who
    writes alone knows from the view that it searches which rows are. A reader learns from a row that is gone that its
    view is behind what others wrote, and so keeps rows only until somebody writes.

    Two halves: what is asked for lives in the young one; once that is full it becomes the old one, and what was in the
    old one and not asked for meanwhile is forgotten. So reading takes no lock.
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
        self._most_half: Final = most_bytes // 2
        self._state: Final = state
        self._state_holds_s: Final = state_holds_s
        self._known_state = state()
        self._holds_until = time.monotonic() + state_holds_s
        self._young: dict[int, FoundRow] = {}
        self._old: dict[int, FoundRow] = {}
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
        young, old = self._young, self._old
        found: dict[int, FoundRow] = {}
        moved: list[FoundRow] = []
        missing: list[int] = []
        for key in keys:
            row = young.get(key)
            if row is None:
                row = old.get(key)
                if row is None:
                    missing.append(key)
                    continue
                moved.append(row)
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
            self._young, self._old = {}, {}

    def _forget(self, state: int) -> None:
        with self._changing:
            if state > self._known_state:
                self._young, self._old, self._young_bytes = {}, {}, 0
                self._known_state = state

    def _keep(self, rows: Iterable[FoundRow], state: int) -> None:
        """Keep rows that were read in a state, or after it, unless it is over: they may be gone since."""
        with self._changing:
            if self._is_closed or state != self._known_state:
                return
            for row in rows:
                if row.key not in self._young:
                    self._young[row.key] = row
                    self._young_bytes += row.size_bytes
            if self._young_bytes > self._most_half:
                self._old, self._young, self._young_bytes = self._young, {}, 0
