"""A write-ahead log whose checksums are made anew is read by SQLite to its end."""

import sqlite3
from pathlib import Path

import pytest

from smserve.gallery.log import sealed_again


def count(path: Path, database: bytes, log: bytes) -> int:
    path.mkdir()
    (path / "d").write_bytes(database)
    (path / "d-wal").write_bytes(log)
    connection = sqlite3.connect(path / "d")
    ((found,),) = connection.execute("SELECT count(*) FROM t")
    connection.close()
    return int(found)


@pytest.mark.parametrize("position", [0, 4, 18, 26, 30, 33, 36, 41, 45, 49, 54, 4000, 6000])
def test_a_damaged_log_is_read_to_its_end(tmp_path: Path, position: int) -> None:
    connection = sqlite3.connect(tmp_path / "d")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE t (n)")
    for number in range(5):
        connection.execute("INSERT INTO t VALUES (?)", (number,))
        connection.commit()
    database, log = (tmp_path / "d").read_bytes(), bytearray((tmp_path / "d-wal").read_bytes())
    connection.close()
    assert count(tmp_path / "whole", database, bytes(log)) == 5
    assert count(tmp_path / "same", database, sealed_again(bytes(log), 4096)) == 5
    for _ in range(20):  # what is left of the log before, with other salts
        log += bytes(8) + b"salt" * 4 + bytes(4096)
    for bit in range(8):
        damaged = bytearray(log)
        damaged[position] ^= 1 << bit
        assert count(tmp_path / str(bit), database, sealed_again(bytes(damaged), 4096)) == 5


def test_a_log_without_a_frame() -> None:
    assert sealed_again(b"", 4096) == sealed_again(bytes(500), 4096) == b""
