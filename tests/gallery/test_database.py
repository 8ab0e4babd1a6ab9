"""Connections end while others search, and a database that can't be made leaves nothing behind."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from smserve.errors import SmserveError, Unavailable
from smserve.gallery import LocalGallery
from smserve.gallery.database import Database, create_database
from smserve.types import FieldMask
from tests.gallery.brute_force import unit_vectors
from tests.gallery.conftest import DIMENSION, Published

SCHEMA = "CREATE TABLE numbers (name TEXT, value TEXT)"
INSERT = "INSERT INTO numbers VALUES (?, ?)"


def numbers(path: Path) -> Database:
    create_database(path, [SCHEMA], INSERT, [(str(number), "") for number in range(100)])
    return Database(path, writable=True)


def search_until_closed(gallery: LocalGallery, searched: threading.Semaphore) -> str:
    """Search on and on; returns the reason for the end."""
    queries = unit_vectors(3, DIMENSION, seed=3)
    try:
        while True:
            assert [len(hits) for hits in gallery.search(queries, 40, FieldMask()).hits] == [40, 40, 40]
            searched.release()
    except SmserveError as error:
        return error.reason


def test_closing_breaks_no_search_under_way(published: Published) -> None:
    """Python's sqlite3 crashes the process when a connection is closed in the middle of another thread's query."""
    with ThreadPoolExecutor(6) as pool:
        for _ in range(15):
            gallery, searched = LocalGallery.open(published.path), threading.Semaphore(0)
            ends = [pool.submit(search_until_closed, gallery, searched) for _ in range(6)]
            began = [searched.acquire(timeout=20) for _ in ends]
            gallery.close()
            assert all(began)
            assert [end.result(timeout=20) for end in ends] == ["UNAVAILABLE"] * 6


def test_a_query_under_way_ends_as_it_would(tmp_path: Path) -> None:
    database = numbers(tmp_path / "d")
    rows = database.rows("SELECT name FROM numbers ORDER BY rowid")
    assert next(rows) == ("0",)
    database.close()
    assert [name for (name,) in rows] == [str(number) for number in range(1, 100)]
    with pytest.raises(Unavailable, match="closed"):
        list(database.rows("SELECT name FROM numbers"))


def test_few_connections_stay_open(tmp_path: Path) -> None:
    database, together = numbers(tmp_path / "d"), threading.Barrier(8)

    def read() -> None:
        with database.snapshot():
            together.wait(timeout=20)
            assert len(list(database.rows("SELECT name FROM numbers"))) == 100

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(read) for _ in range(8)]:
            done.result(timeout=20)
    assert len(database._idle) == 4
    database.close()


def test_a_transaction_is_all_or_none(tmp_path: Path) -> None:
    database = numbers(tmp_path / "d")

    def delete_all_but_fail() -> None:
        with database.transaction() as execute:
            execute("DELETE FROM numbers")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        delete_all_but_fail()
    assert list(database.rows("SELECT count(*) FROM numbers")) == [(100,)]
    with database.transaction() as execute:
        execute("DELETE FROM numbers")
    assert list(database.rows("SELECT count(*) FROM numbers")) == [(0,)]
    database.close()


def test_a_reader_sees_what_a_writer_of_another_connection_wrote(tmp_path: Path) -> None:
    writer, reader = numbers(tmp_path / "d"), Database(tmp_path / "d", writable=False)
    with writer.transaction() as execute:
        execute(INSERT, ("100", ""))
    assert list(reader.rows("SELECT count(*) FROM numbers")) == [(101,)]
    with pytest.raises(SmserveError, match="readonly"), reader.transaction() as execute:
        execute(INSERT, ("101", ""))
    writer.close()
    reader.close()


def test_a_writer_that_holds_the_file_too_long_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smserve.gallery.database._OPTIONS", {"timeout": 0.1, "isolation_level": None})
    first, second = numbers(tmp_path / "d"), Database(tmp_path / "d", writable=True)
    with first.transaction() as execute:
        execute("DELETE FROM numbers")
        started = time.monotonic()
        with pytest.raises(SmserveError, match="being written to by another process"), second.transaction():
            pass
        assert time.monotonic() - started < 10
    first.close()
    second.close()


def test_a_database_that_can_not_be_made_is_our_error(tmp_path: Path) -> None:
    with pytest.raises(SmserveError, match="can't be opened"):
        create_database(tmp_path / "nothing" / "d", [SCHEMA], INSERT, [])


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    database = numbers(tmp_path / "d")
    list(database.rows("PRAGMA max_page_count = 2"))  # SQLite's own way to make a full disk
    with pytest.raises(SmserveError, match="no room left"), database.transaction() as execute:
        execute(INSERT, ("big", "x" * 1_000_000))
    assert list(database.rows("SELECT count(*) FROM numbers")) == [(100,)]
    database.close()
