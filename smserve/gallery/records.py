"""The truth of a gallery: one SQLite file. The only part of smserve that touches sqlite3."""

import sqlite3
import threading
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from smserve.errors import GalleryDamaged, GalleryLocked, GalleryNotFound, SmserveError, Unavailable
from smserve.gallery.interface import NewItem
from smserve.gallery.row import COLUMNS, Row, row_of

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
_CHUNK: Final = 500  # values of one IN (...)
_BUSY_S: Final = 10.0

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
        self._writable = writable
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._closed = False
        if not self.path.exists():
            raise GalleryNotFound(
                f"{gallery} is no gallery (it has no {FILE_NAME}); check the path, or make one with "
                f"`smserve index build`"
            )
        version = self.meta().get("format_version")
        if version != str(FORMAT_VERSION):
            raise GalleryDamaged(
                f"gallery {gallery} has format version {version}, this smserve reads {FORMAT_VERSION}; "
                f"use the smserve that wrote it, or build it again"
            )

    @classmethod
    def create(cls, gallery: Path, meta: Meta) -> "Records":
        """Make an empty database, whole or not at all, and open it for writing."""
        partial = gallery / f".{FILE_NAME}.partial"
        partial.unlink(missing_ok=True)
        with _our_errors(partial):
            connection = sqlite3.connect(partial)
            try:
                connection.executescript(_SCHEMA)
                values = {"format_version": str(FORMAT_VERSION), "last_sequence": "0", **meta}
                connection.executemany("INSERT INTO meta VALUES (?, ?)", values.items())
                connection.commit()
            finally:
                connection.close()
        partial.replace(gallery / FILE_NAME)
        return cls(gallery, writable=True)

    def meta(self) -> Meta:
        """Return names and values: format_version, model_fingerprint, dimension, metric, last_sequence."""
        with _our_errors(self.path):
            return dict(self._connection().execute("SELECT name, value FROM meta"))

    def last_sequence(self) -> int:
        """Return the number of the last write."""
        return int(self.meta()["last_sequence"])

    def count(self) -> int:
        """Return the number of items."""
        with _our_errors(self.path):
            (count,) = self._connection().execute("SELECT count(*) FROM items").fetchone()
        return int(count)

    def write(self, items: Sequence[NewItem], deleted: Iterable[str] = ()) -> int:
        """Store and delete items in one transaction; return its sequence once it is durable."""
        with _our_errors(self.path):
            connection = self._connection()
            connection.execute("BEGIN IMMEDIATE")
            try:
                sequence = self.last_sequence() + 1
                for item_id in (*deleted, *(item.item_id for item in items)):
                    old = connection.execute("DELETE FROM items WHERE item_id = ? RETURNING key", (item_id,)).fetchone()
                    if old is not None:
                        connection.execute("DELETE FROM thumbnails WHERE key = ?", old)
                for item in items:
                    self._insert(connection, item, sequence)
                connection.execute("UPDATE meta SET value = ? WHERE name = 'last_sequence'", (str(sequence),))
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        return sequence

    def sources(self) -> dict[str, str]:
        """Return item_id -> source_sha256."""
        with _our_errors(self.path):
            return dict(self._connection().execute("SELECT item_id, source_sha256 FROM items"))

    def by_id(self, item_id: str) -> Row | None:
        """Return an item's row, verified."""
        rows = self._rows("WHERE item_id = ?", (item_id,))
        return next(iter(rows), None)

    def by_key(self, keys: Sequence[int]) -> dict[int, Row]:
        """Return the rows of those keys that are there, verified."""
        found: dict[int, Row] = {}
        for start in range(0, len(keys), _CHUNK):
            chunk = keys[start : start + _CHUNK]
            marks = ", ".join("?" * len(chunk))
            found.update((row.key, row) for row in self._rows(f"WHERE key IN ({marks})", tuple(chunk)))
        return found

    def rows(self, *, after_sequence: int = 0) -> Iterator[Row]:
        """Yield all rows written after a sequence, verified, by key."""
        yield from self._rows("WHERE sequence > ? ORDER BY key", (after_sequence,))

    def keys(self, *, up_to_sequence: int) -> list[int]:
        """Return the keys of the rows written up to a sequence."""
        with _our_errors(self.path):
            found = self._connection().execute("SELECT key FROM items WHERE sequence <= ?", (up_to_sequence,))
            return [key for (key,) in found]

    def thumbnail(self, key: int) -> bytes | None:
        """Return a stored thumbnail, verified."""
        with _our_errors(self.path):
            found = self._connection().execute("SELECT image, checksum FROM thumbnails WHERE key = ?", (key,))
            row = found.fetchone()
        if row is None:
            return None
        image, checksum = row
        if zlib.crc32(image) != checksum:
            raise GalleryDamaged(
                f"the thumbnail of key {key} fails its checksum; restore the gallery, or build it again"
            )
        return bytes(image)

    def close(self) -> None:
        """Close every thread's connection; calling it twice is harmless."""
        with self._lock:
            self._closed = True
            while self._open:
                self._open.pop().close()

    def _insert(self, connection: sqlite3.Connection, item: NewItem, sequence: int) -> None:
        # The key is part of the checksum, so it must be known first: AUTOINCREMENT's own counter says which is next.
        found = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'items'").fetchone()
        row = row_of(item, (found[0] if found else 0) + 1, sequence)
        values = tuple(getattr(row, name) for name in COLUMNS.split(", "))
        connection.execute(f"INSERT INTO items ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)  # noqa: S608
        if item.thumbnail is not None:
            thumbnail = (row.key, item.thumbnail, zlib.crc32(item.thumbnail))
            connection.execute("INSERT INTO thumbnails VALUES (?, ?, ?)", thumbnail)

    def _rows(self, clause: str, values: tuple[object, ...]) -> Iterator[Row]:
        with _our_errors(self.path):
            for found in self._connection().execute(f"SELECT {COLUMNS} FROM items {clause}", values):  # noqa: S608
                row = Row(*found)  # the clauses are written in this file, values are bound
                row.verify()
                yield row

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            with self._lock:
                if self._closed:
                    raise Unavailable(f"gallery {self.path.parent} is closed")
                connection = self._connect()
                self._open.append(connection)
            self._local.connection = connection
        return connection

    def _connect(self) -> sqlite3.Connection:
        # Connections are closed by whichever thread closes the gallery, hence check_same_thread.
        options: dict[str, object] = {"timeout": _BUSY_S, "isolation_level": None, "check_same_thread": False}
        if self._writable:
            connection = sqlite3.connect(self.path, **options)  # type: ignore[call-overload] # options by name
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            return connection  # type: ignore[no-any-return] # as above
        try:
            return self._connect_reading("mode=ro", options)
        except sqlite3.OperationalError:
            # A reader of a folder that can't be written to can't make the shared-memory file that WAL wants; without a
            # write-ahead log there is nothing to share.
            wal = self.path.with_name(f"{FILE_NAME}-wal")
            if wal.exists() and wal.stat().st_size:
                raise
            return self._connect_reading("immutable=1", options)

    def _connect_reading(self, mode: str, options: dict[str, object]) -> sqlite3.Connection:
        connection: sqlite3.Connection = sqlite3.connect(f"{self.path.absolute().as_uri()}?{mode}", uri=True, **options)  # type: ignore[call-overload]
        try:
            connection.execute("SELECT 1 FROM meta").fetchone()
        except sqlite3.Error:
            connection.close()
            raise
        return connection


@contextmanager
def _our_errors(path: Path) -> Iterator[None]:
    """Turn sqlite3's errors into ours."""
    try:
        yield
    except sqlite3.OperationalError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_BUSY:
            raise GalleryLocked(f"{path} is being written to by another process; try again later") from None
        if code == sqlite3.SQLITE_FULL:
            raise SmserveError(f"no room left to write {path}; free some disk space and run again") from None
        raise GalleryDamaged(f"{path} can't be used: {error}; restore the gallery, or build it again") from None
    except sqlite3.DatabaseError as error:
        raise GalleryDamaged(f"{path} is damaged: {error}; restore the gallery, or build it again") from None
