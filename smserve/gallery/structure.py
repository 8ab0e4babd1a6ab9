"""Tables and indexes are looked at as a whole once, before anybody relies on something not being there.

SQLite's pages carry no checksum. A row that is found is verified by its own; one that is not found may have been lost
with a page, or be looked for in a damaged index. What a search needs is checked as it goes; to say that an item does
not exist, to list items, or to write, needs this look: two seconds for a million items.
"""

import threading
from collections.abc import Callable
from typing import Final

from smserve.errors import GalleryDamaged
from smserve.gallery.contents import check_contents
from smserve.gallery.database import Database

__all__ = ["StructureVerification", "integrity_problems"]


class StructureVerification:
    """Remembers what of one gallery was looked at in this process; safe to use from many threads."""

    def __init__(self) -> None:
        self._lock: Final = threading.Lock()
        self._seen: Final[set[str]] = set()

    def ensure_items(self, database: Database) -> None:
        """Look at the tables that hold items and what was done to them, the first time.

        Raises:
            GalleryDamaged: An index doesn't fit its table, or not all that was written is there.
        """
        self._once("items", database, _check_items)

    def ensure_thumbnails(self, database: Database) -> None:
        """Look whether all thumbnails are there, the first time.

        Raises:
            GalleryDamaged: They are not.
        """
        self._once("thumbnails", database, _check_thumbnails)

    def _once(self, what: str, database: Database, check: Callable[[Database], None]) -> None:
        if what in self._seen:
            return
        with self._lock:
            if what not in self._seen:
                with database.snapshot():
                    check(database)
                self._seen.add(what)


def _check_items(database: Database) -> None:
    for table in ("items", "removed", "requests", "meta"):
        for problem in integrity_problems(database, table):
            raise GalleryDamaged(
                f"{database.path} is damaged in table {table} ({problem}); see `smserve index verify`; restore the "
                f"gallery from a copy, or run `smserve index repair`"
            )
    check_contents(database.rows, database.path, thumbnails=False)


def _check_thumbnails(database: Database) -> None:
    check_contents(database.rows, database.path, thumbnails=True)


def integrity_problems(database: Database, table: str = "") -> list[str]:
    """Return what SQLite finds wrong with a table's tree and its indexes, or with the whole file.

    Raises:
        GalleryDamaged: It finds so much that it gives up.
    """
    names = {name for (name,) in database.rows("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if table and table not in names:
        return []  # of a later format version
    pragma = f"PRAGMA integrity_check({table})" if table else "PRAGMA integrity_check"
    return [str(text) for (text,) in database.rows(pragma) if text != "ok"]
