"""Rows that searches found lately: each was read and verified once, and is never changed, only deleted."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from smserve.gallery.row import FoundRow

__all__ = ["RowCache"]

_OVERHEAD_BYTES: Final = 400  # of Python's objects, a row


class RowCache:
    """Holds the rows found last, up to a number of bytes; safe to use from many threads.

    An upsert gives its item a new key, so that what stands here under a key is right for ever. That it was deleted
    shows in what is searched, not here: a reader whose view may be behind what others wrote keeps nothing (0 bytes),
    since it learns from rows that are gone to look again.

    Two halves: what is asked for lives in the young one; once that is full it becomes the old one, and what was in the
    old one and not asked for meanwhile is forgotten. So reading takes no lock.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_half: Final = most_bytes // 2
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
            self._keep(moved)
        return found

    def close(self) -> None:
        """Forget all, and keep nothing from now on."""
        with self._changing:
            self._is_closed = True
            self._young, self._old = {}, {}

    def _keep(self, rows: Iterable[FoundRow]) -> None:
        with self._changing:
            if self._is_closed or not self._most_half:
                return
            for row in rows:
                if row.key not in self._young:
                    self._young[row.key] = row
                    self._young_bytes += _OVERHEAD_BYTES + len(row.vector) + len(row.payload.text) + len(row.item_id)
            if self._young_bytes > self._most_half:
                self._old, self._young, self._young_bytes = self._young, {}, 0
