"""SQLite: connections, transactions, its errors as ours. The only part of smserve that touches sqlite3."""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, Final, Protocol

from smserve.errors import DiskFull, GalleryDamaged, GalleryLocked, SmserveError, Unavailable

__all__ = ["Database", "Execute", "create_database", "restore_schema"]

_BUSY_S: Final = 10.0
_MOST_IDLE: Final = 4  # connections that wait for a thread: each holds two files, and pages of its own
_OPTIONS: Final[Mapping[str, Any]] = {
    "timeout": _BUSY_S,
    "isolation_level": None,
    "check_same_thread": False,  # a connection serves one thread after another
}

_ERRORS: Final = (sqlite3.Error, UnicodeDecodeError)  # sqlite3 decodes even what it quotes from a damaged file
_WRITE_ERRORS: Final = {  # of the system: a quota, a limit on file sizes, a failing disk
    sqlite3.SQLITE_IOERR_WRITE,
    sqlite3.SQLITE_IOERR_FSYNC,
    sqlite3.SQLITE_IOERR_DIR_FSYNC,
    sqlite3.SQLITE_IOERR_TRUNCATE,
    sqlite3.SQLITE_IOERR_SHMSIZE,
}


class Execute(Protocol):
    """Runs a statement inside a transaction."""

    def __call__(self, statement: str, values: Sequence[Any] = (), /) -> sqlite3.Cursor:
        """Return its rows as a cursor."""


class Database:
    """One SQLite file; safe to use from many threads, each of which gets a connection of its own while it needs one."""

    def __init__(self, path: Path, *, writable: bool) -> None:
        self.path: Final = path
        self._writable: Final = writable
        self._lock: Final = threading.Lock()
        self._lent: Final[dict[int, sqlite3.Connection]] = {}  # by thread
        self._uses: Final[dict[sqlite3.Connection, int]] = {}  # how many calls of its thread use it now
        self._idle: Final[list[sqlite3.Connection]] = []
        self._versions: Final[dict[sqlite3.Connection, int]] = {}  # that each has seen
        self._state = 0
        self._closed = False

    def rows(self, query: str, values: Iterable[Any] = ()) -> Iterator[Any]:
        """Yield the rows of a query, one by one."""
        with self._using() as connection:
            yield from connection.execute(query, tuple(values))

    def fetch(self, query: str, values: Sequence[Any]) -> list[Any]:
        """Return all rows of a query at once: faster than one by one, for a few."""
        with self._using() as connection:
            return connection.execute(query, values).fetchall()

    def state(self) -> int:
        """Return a number that has grown since the last call if somebody else has written meanwhile.

        It grows, too, when a thread comes whose connection has not seen yet what others have.
        """
        with self._using() as connection:
            ((version,),) = connection.execute("PRAGMA data_version")
            with self._lock:
                if self._versions.get(connection) != version:
                    self._versions[connection] = version
                    self._state += 1
                return self._state

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

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let this thread's queries inside the block see one state, that of the first of them; blocks may be nested."""
        with self._using() as connection:
            outermost = not connection.in_transaction
            if outermost:
                connection.execute("BEGIN")
            try:
                yield
            finally:
                if outermost:
                    connection.rollback()

    def copy_to(self, path: Path) -> None:
        """Copy one state of the whole file to a new one, which needs no write-ahead log beside it; others may write."""
        with self._using() as connection, closing(sqlite3.connect(path, isolation_level=None)) as copy:
            try:
                connection.backup(copy)  # in one step: the state of one reader, who keeps no writer waiting
                copy.execute("PRAGMA journal_mode = DELETE").fetchone()
            except _ERRORS as error:
                raise _ours(path, error) from None

    def close(self) -> None:
        """Close all connections, those in use as soon as they no longer are; twice is harmless."""
        with self._lock:
            self._closed = True
            while self._idle:
                self._idle.pop().close()

    @contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection; sqlite3 crashes when another thread closes one that is in use."""
        thread = threading.get_ident()
        connection = self._take(thread)
        try:
            yield connection
        except _ERRORS as error:
            raise _ours(self.path, error) from None
        finally:
            self._give_back(thread, connection)

    def _take(self, thread: int) -> sqlite3.Connection:
        with self._lock:
            if self._closed:
                raise Unavailable(f"gallery {self.path.parent} is closed")
            connection = self._lent.get(thread)
            if connection is None:
                try:
                    connection = self._idle.pop() if self._idle else self._connect()
                except _ERRORS as error:
                    raise _ours(self.path, error) from None
                self._lent[thread] = connection
            self._uses[connection] = self._uses.get(connection, 0) + 1
            return connection

    def _give_back(self, thread: int, connection: sqlite3.Connection) -> None:
        with self._lock:
            self._uses[connection] -= 1
            if self._uses[connection]:
                return
            del self._uses[connection], self._lent[thread]
            if self._closed or len(self._idle) >= _MOST_IDLE:
                self._versions.pop(connection, None)
                connection.close()
            else:
                self._idle.append(connection)

    def _connect(self) -> sqlite3.Connection:
        uri = self.path.absolute().as_uri()
        if self._writable:
            return _checked(f"{uri}?mode=rw", "PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL")
        try:
            return _checked(f"{uri}?mode=ro", "SELECT 1 FROM sqlite_schema")
        except sqlite3.OperationalError:
            # A reader of a folder that can't be written to can't make the shared-memory file that WAL wants; without a
            # write-ahead log there is nothing to share.
            log = self.path.with_name(f"{self.path.name}-wal")
            if log.exists() and log.stat().st_size:
                raise
            return _checked(f"{uri}?immutable=1", "SELECT 1 FROM sqlite_schema")


def create_database(path: Path, schema: Iterable[str], statement: str, rows: Iterable[tuple[str, str]]) -> None:
    """Make a database by the statements of a schema, and run a statement for each row."""
    try:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode = MEMORY")  # a kill leaves one file behind, not two
            for each in schema:
                connection.execute(each)
            connection.executemany(statement, rows)
            connection.commit()
    except sqlite3.Error as error:
        raise _ours(path, error) from None


def restore_schema(path: Path, declared: Iterable[tuple[str, str, str, str | None]]) -> None:
    """Put right one declaration that is damaged, and forget those that are not known; the file must be a copy.

    Args:
        path: Of the database.
        declared: Type, name, table and text of each table and index that there should be.
    """
    wanted = list(declared)
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA writable_schema = ON")  # then SQLite opens what it can't understand
            connection.text_factory = lambda data: data.decode(errors="replace")
            found = connection.execute("SELECT rowid, type, name, tbl_name, sql FROM sqlite_schema").fetchall()
            unknown = [row for row in found if tuple(row[1:]) not in wanted]
            missing = [each for each in wanted if each not in {tuple(row[1:]) for row in found}]
            for each in missing:
                if not unknown:
                    break
                nearest = max(unknown, key=lambda row: _likeness(row[1:], each))
                unknown.remove(nearest)
                statement = "UPDATE sqlite_schema SET type = ?, name = ?, tbl_name = ?, sql = ? WHERE rowid = ?"
                connection.execute(statement, (*each, nearest[0]))
            for row in unknown:
                connection.execute("DELETE FROM sqlite_schema WHERE rowid = ?", (row[0],))
    except _ERRORS as error:
        raise _ours(path, error) from None


def _likeness(found: Sequence[Any], wanted: Sequence[Any]) -> float:
    pairs = [(str(one), str(other)) for one, other in zip(found, wanted, strict=True)]
    return sum(SequenceMatcher(None, one, other, autojunk=False).ratio() for one, other in pairs)


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
    extended = getattr(error, "sqlite_errorcode", 0)
    code = extended & 0xFF  # the primary one
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return GalleryLocked(f"{path} is being written to by another process; try again later")
    if code == sqlite3.SQLITE_FULL:
        return DiskFull(f"no room left to write {path}; free some disk space and run again")
    if extended in _WRITE_ERRORS:
        return DiskFull(f"{path} can't be written ({error}); free some disk space or quota, or mend the disk")
    if code in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY}:
        return SmserveError(
            f"{path} can't be opened ({error}); this user must be able to read it, and to write to its folder where a "
            f"write-ahead log ({path.name}-wal) lies beside it"
        )
    return GalleryDamaged(f"{path} can't be used: {error}; restore the gallery from a copy, or build it again")
