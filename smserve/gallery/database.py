"""SQLite: a connection a thread, transactions, its errors as ours. The only part of smserve that touches sqlite3."""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

from smserve.errors import GalleryDamaged, GalleryLocked, SmserveError, Unavailable

__all__ = ["Database", "Execute", "create_database"]

_BUSY_S: Final = 10.0
_OPTIONS: Final[Mapping[str, Any]] = {
    "timeout": _BUSY_S,
    "isolation_level": None,
    "check_same_thread": False,  # connections are closed by whichever thread closes the database
}

_ERRORS: Final = (sqlite3.Error, UnicodeDecodeError)  # sqlite3 decodes even what it quotes from a damaged file


class Execute(Protocol):
    """Runs a statement inside a transaction."""

    def __call__(self, statement: str, values: Sequence[Any] = (), /) -> sqlite3.Cursor:
        """Return its rows as a cursor."""


class Database:
    """One SQLite file; a reader is safe to use from many threads, a writer from one."""

    def __init__(self, path: Path, *, writable: bool) -> None:
        self._path: Final = path
        self._writable: Final = writable
        self._local: Final = threading.local()
        self._uses: Final[dict[sqlite3.Connection, int]] = {}  # by connection, how many calls it serves now
        self._lock: Final = threading.Lock()
        self._closed = False

    def rows(self, query: str, values: Iterable[Any] = ()) -> Iterator[Any]:
        """Yield the rows of a query, one by one."""
        with self._using() as connection:
            yield from connection.execute(query, tuple(values))

    @contextmanager
    def transaction(self) -> Iterator[Execute]:
        """Run the block's statements durably, all or none."""
        with self._using() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection.execute
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close every thread's connection, those in use as soon as they no longer are; twice is harmless."""
        with self._lock:
            self._closed = True
            for connection in [connection for connection, uses in self._uses.items() if not uses]:
                self._uses.pop(connection)
                connection.close()

    @contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        """Lend this thread's connection; sqlite3 crashes when another thread closes one that is in use."""
        connection = self._take()
        try:
            yield connection
        except _ERRORS as error:
            raise _ours(self._path, error) from None
        finally:
            with self._lock:
                self._uses[connection] -= 1
                if self._closed and not self._uses[connection]:
                    self._uses.pop(connection)
                    connection.close()

    def _take(self) -> sqlite3.Connection:
        with self._lock:
            if self._closed:
                raise Unavailable(f"gallery {self._path.parent} is closed")
            connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
            if connection is None:
                try:
                    connection = self._local.connection = self._connect()
                except _ERRORS as error:
                    raise _ours(self._path, error) from None
            self._uses[connection] = self._uses.get(connection, 0) + 1
            return connection

    def _connect(self) -> sqlite3.Connection:
        uri = self._path.absolute().as_uri()
        if self._writable:
            return _checked(f"{uri}?mode=rw", "PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL")
        try:
            return _checked(f"{uri}?mode=ro", "SELECT 1 FROM sqlite_schema")
        except sqlite3.OperationalError:
            # A reader of a folder that can't be written to can't make the shared-memory file that WAL wants; without a
            # write-ahead log there is nothing to share.
            log = self._path.with_name(f"{self._path.name}-wal")
            if log.exists() and log.stat().st_size:
                raise
            return _checked(f"{uri}?immutable=1", "SELECT 1 FROM sqlite_schema")


def create_database(path: Path, schema: str, statement: str, rows: Iterable[tuple[str, str]]) -> None:
    """Make a database with a schema, and run a statement for each row."""
    try:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode = MEMORY")  # a kill leaves one file behind, not two
            connection.executescript(schema)
            connection.executemany(statement, rows)
            connection.commit()
    except sqlite3.Error as error:
        raise _ours(path, error) from None


def _checked(uri: str, *statements: str) -> sqlite3.Connection:
    """Return a connection on which the statements ran; SQLite looks at a file only when it must."""
    connection: sqlite3.Connection = sqlite3.connect(uri, uri=True, **_OPTIONS)
    try:
        for statement in statements:
            connection.execute(statement).fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _ours(path: Path, error: Exception) -> SmserveError:
    """Return our error for one of sqlite3."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the primary one
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return GalleryLocked(f"{path} is being written to by another process; try again later")
    if code == sqlite3.SQLITE_FULL:
        return SmserveError(f"no room left to write {path}; free some disk space and run again")
    if code in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY}:
        return SmserveError(
            f"{path} can't be opened ({error}); this user must be able to read it, and to write to its folder where a "
            f"write-ahead log ({path.name}-wal) lies beside it"
        )
    return GalleryDamaged(f"{path} can't be used: {error}; restore the gallery from a copy, or build it again")
