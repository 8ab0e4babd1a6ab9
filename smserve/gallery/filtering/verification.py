"""Filters read rows in part, and indexes beside them; what they read is checked as a whole first, once."""

import threading
from typing import Final

from smserve.errors import GalleryDamaged
from smserve.gallery.condition import Query
from smserve.gallery.filtering.fields import declared_fields
from smserve.gallery.row import COLUMNS, Row
from smserve.gallery.structure import StructureVerification

__all__ = ["RowVerification"]


class RowVerification:
    """Remembers up to which key the rows of one gallery were verified; safe to use from many threads.

    A row never changes once written, so one look a row and process is enough; so is one at the indexes.

    Attributes:
        structure: Whether tables and indexes hold what was written, which has its own first use.
    """

    def __init__(self) -> None:
        self.structure: Final = StructureVerification()
        self._lock: Final = threading.Lock()
        self._up_to = 0
        self._indexed: set[str] | None = None

    def advance(self, query: Query, count: int) -> bool:
        """Verify the next rows; returns whether there may be more. For whom a filter is not waiting yet.

        Raises:
            GalleryDamaged: A row fails its checksum; the next call begins with it again.
        """
        with self._lock:
            return self._verify_rows(query, count) == count

    def ensure(self, query: Query) -> None:
        """Verify the rows that came since; at first, and when there are more of them, the indexes, too.

        Raises:
            GalleryDamaged: A row fails its checksum, or an index doesn't fit the rows.
        """
        with self._lock:
            self._verify_rows(query, -1)
            indexed = set(declared_fields(query))
            if self._indexed is None or not indexed <= self._indexed:
                for (text,) in query("PRAGMA integrity_check(items)"):
                    if text != "ok":
                        raise GalleryDamaged(
                            f"the indexes of table items don't fit its rows ({text}); restore the gallery from a copy, "
                            f"or build it again"
                        )
                self._indexed = indexed

    def _verify_rows(self, query: Query, most: int) -> int:
        """Verify rows by key, at most so many where that is not negative; returns how many."""
        verified = 0
        statement = f"SELECT {COLUMNS} FROM items WHERE key > ? ORDER BY key LIMIT ?"  # noqa: S608
        for found in query(statement, (self._up_to, most)):
            row = Row._make(found)
            row.verify()
            self._up_to = row.key
            verified += 1
        return verified
