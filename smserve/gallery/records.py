"""The truth of a gallery: its items, in one SQLite file."""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from smserve.errors import GalleryDamaged, GalleryNotFound
from smserve.gallery.database import Database, Execute, create_database
from smserve.gallery.interface import NewItem, Source
from smserve.gallery.row import COLUMNS, Row, row_of, source_of

__all__ = ["FILE_NAME", "FORMAT_VERSION", "Meta", "Records"]

FILE_NAME = "gallery.sqlite"
FORMAT_VERSION = 1

_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE items (
    key INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used again, so that a generation's keys stay unambiguous
    item_id TEXT NOT NULL UNIQUE,
    label TEXT NOT NULL,
    payload TEXT NOT NULL,
    source_uri TEXT NOT NULL,
    source_sha256 TEXT NOT NULL,
    vector BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    checksum INTEGER NOT NULL
);
CREATE INDEX items_by_sequence ON items (sequence);
CREATE TABLE thumbnails (key INTEGER PRIMARY KEY, image BLOB NOT NULL, checksum INTEGER NOT NULL);
"""
_CONSTANT: Final = ("format_version", "model_fingerprint", "dimension", "metric")
_CHUNK: Final = 500  # values of one IN (...)

Meta = dict[str, str]


class Records:
    """The database of one gallery; a reader is safe to call from many threads, a writer from one."""

    def __init__(self, gallery: Path, *, writable: bool) -> None:
        """Open it.

        Raises:
            GalleryNotFound: There is none.
            GalleryDamaged: It is no database of ours, or of a format version that is not ours.
        """
        self.path: Final = gallery / FILE_NAME
        if not self.path.exists():
            raise GalleryNotFound(
                f"{gallery} is no gallery (it has no {FILE_NAME}); check the path, or make one with "
                f"`smserve index build`"
            )
        self._database: Final = Database(self.path, writable=writable)
        try:
            _check_meta(gallery, self.meta())
        except BaseException:
            self.close()
            raise

    @classmethod
    def create(cls, gallery: Path, meta: Meta) -> "Records":
        """Make an empty database, whole or not at all, and open it for writing."""
        partial = gallery / f".{FILE_NAME}.partial"
        partial.unlink(missing_ok=True)
        values = {"format_version": str(FORMAT_VERSION), **meta, "last_sequence": "0"}
        values["checksum"] = _meta_checksum(values)
        create_database(partial, _SCHEMA, "INSERT INTO meta VALUES (?, ?)", values.items())
        partial.replace(gallery / FILE_NAME)
        return cls(gallery, writable=True)

    def meta(self) -> Meta:
        """Return names and values: format_version, model_fingerprint, dimension, metric, last_sequence, checksum."""
        return dict(self._database.rows("SELECT name, value FROM meta"))

    def last_sequence(self) -> int:
        """Return the number of the last write."""
        for (value,) in self._database.rows("SELECT value FROM meta WHERE name = 'last_sequence'"):
            if str(value).isdecimal():
                return int(value)
        raise GalleryDamaged(f"{self.path} has no number of its last write; restore the gallery, or build it again")

    def count(self) -> int:
        """Return the number of items, by another index than `keys` and `rows` use: so that each checks the other."""
        ((count,),) = self._database.rows("SELECT count(*) FROM items INDEXED BY sqlite_autoindex_items_1")
        return int(count)

    def write(self, items: Iterable[NewItem], deleted: Iterable[str] = ()) -> int:
        """Store and delete items in one transaction; return its sequence once it is durable."""
        with self._database.transaction() as execute:
            sequence = self.last_sequence() + 1
            for item_id in deleted:
                _delete(execute, item_id)
            for item in items:
                _delete(execute, item.item_id)
                _insert(execute, item, sequence)
            execute("UPDATE meta SET value = ? WHERE name = 'last_sequence'", (str(sequence),))
        return sequence

    def sources(self) -> dict[str, Source]:
        """Return what each item was made from, by item_id; verified."""
        return {row.item_id: source_of(row) for row in self._rows("ORDER BY key")}

    def by_id(self, item_id: str) -> Row | None:
        """Return an item's row, verified."""
        return next(self._rows("WHERE item_id = ?", (item_id,)), None)

    def by_key(self, keys: Sequence[int]) -> dict[int, Row]:
        """Return the rows of those keys that are there, verified."""
        found: dict[int, Row] = {}
        for start in range(0, len(keys), _CHUNK):
            chunk = keys[start : start + _CHUNK]
            marks = ", ".join("?" * len(chunk))
            found.update((row.key, row) for row in self._rows(f"WHERE key IN ({marks})", chunk))
        return found

    def rows(self, *, after_sequence: int = 0) -> Iterator[Row]:
        """Yield all rows written after a sequence, verified, by key."""
        yield from self._rows("WHERE sequence > ? ORDER BY key", (after_sequence,))

    def keys(self, *, up_to_sequence: int) -> list[int]:
        """Return the keys of the rows written up to a sequence."""
        return [key for (key,) in self._database.rows("SELECT key FROM items WHERE sequence <= ?", (up_to_sequence,))]

    def thumbnail(self, row: Row) -> bytes | None:
        """Return an item's stored thumbnail, verified."""
        for image, checksum in self._database.rows("SELECT image, checksum FROM thumbnails WHERE key = ?", (row.key,)):
            if not isinstance(image, bytes) or zlib.crc32(image) != checksum:
                raise GalleryDamaged(
                    f"the thumbnail of item {row.item_id!r} (key {row.key}) fails its checksum; restore the gallery "
                    f"from a copy, or build it again"
                )
            return image
        return None

    def close(self) -> None:
        """Close every thread's connection; calling it twice is harmless."""
        self._database.close()

    def _rows(self, clause: str, values: Iterable[object] = ()) -> Iterator[Row]:
        # The clauses are written in this file, values are bound.
        for found in self._database.rows(f"SELECT {COLUMNS} FROM items {clause}", values):  # noqa: S608
            row = Row(*found)
            row.verify()
            yield row


def _delete(execute: Execute, item_id: str) -> None:
    old = execute("DELETE FROM items WHERE item_id = ? RETURNING key", (item_id,)).fetchone()
    if old is not None:
        execute("DELETE FROM thumbnails WHERE key = ?", old)


def _insert(execute: Execute, item: NewItem, sequence: int) -> None:
    # The key is part of the checksum, so it must be known first: AUTOINCREMENT's own counter says which is next.
    found = execute("SELECT seq FROM sqlite_sequence WHERE name = 'items'").fetchone()
    row = row_of(item, (found[0] if found else 0) + 1, sequence)
    values = tuple(getattr(row, name) for name in COLUMNS.split(", "))
    execute(f"INSERT INTO items ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)  # noqa: S608 - names of ours
    if item.thumbnail is not None:
        thumbnail = (row.key, item.thumbnail, zlib.crc32(item.thumbnail))
        execute("INSERT INTO thumbnails VALUES (?, ?, ?)", thumbnail)


def _check_meta(gallery: Path, meta: Meta) -> None:
    version = meta.get("format_version")
    if version != str(FORMAT_VERSION):
        raise GalleryDamaged(
            f"gallery {gallery} has format version {version}, this smserve reads {FORMAT_VERSION}; "
            f"use the smserve that wrote it, or build it again"
        )
    if meta.get("checksum") != _meta_checksum(meta):
        raise GalleryDamaged(
            f"what {gallery / FILE_NAME} says about itself (table meta) fails its checksum; restore the gallery from a "
            f"copy, or build it again"
        )


def _meta_checksum(meta: Meta) -> str:
    """Return the CRC-32 of what never changes in a gallery."""
    return str(zlib.crc32("\n".join(f"{name}={meta.get(name)}" for name in _CONSTANT).encode()))
