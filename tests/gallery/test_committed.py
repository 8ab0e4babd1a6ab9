"""COMMITTED and CURRENT: read back as written, refused when damaged, and what an older smserve wrote is read."""

import json
import sqlite3
from pathlib import Path

import pytest

from smserve.errors import GalleryDamaged
from smserve.gallery import LiveGallery
from smserve.gallery.committed import Committed, read_committed, write_committed
from smserve.gallery.current import Current, read_current, write_current
from tests.gallery.conftest import Published, numbered
from tests.gallery.test_local import writer_of


def test_committed(tmp_path: Path) -> None:
    assert read_committed(tmp_path) == Committed()
    for number in (1, 10**12):
        committed = Committed(sequence=number, last_key=2 * number)
        write_committed(tmp_path, committed)
        assert read_committed(tmp_path) == committed
    (tmp_path / "COMMITTED").write_text('{"sequence": 3, "crc32": 1842515611}')  # format 1
    assert read_committed(tmp_path) == Committed(sequence=3)


def test_current(tmp_path: Path) -> None:
    assert read_current(tmp_path) is None
    current = Current(generation=7, manifest_sha256="ab" * 32, previous=5, held=True)
    write_current(tmp_path, current)
    assert read_current(tmp_path) == current
    (tmp_path / "CURRENT").write_text('{"generation": 3, "manifest_sha256": "cd"}')  # format 1
    assert read_current(tmp_path) == Current(generation=3, manifest_sha256="cd")


@pytest.mark.parametrize("name", ["COMMITTED", "CURRENT"])
def test_no_flipped_bit_is_believed(published: Published, name: str) -> None:
    read = {"COMMITTED": read_committed, "CURRENT": read_current}[name]
    file = published.path / name
    data = file.read_bytes()
    right = read(published.path)
    for bit in range(0, 8 * len(data), 3):  # some of every byte
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        file.write_bytes(flipped)
        try:
            found = read(published.path)
        except GalleryDamaged:
            continue
        assert found == right  # the case of an exponent, for one, changes no number
    for length in range(len(data)):
        file.write_bytes(data[:length])
        with pytest.raises(GalleryDamaged):
            read(published.path)


def test_no_key_is_given_twice(published: Published) -> None:
    """Were a key given again, a generation would find an old vector under the name of a new item."""
    with writer_of(published.path) as writer:
        writer.delete(["item-39"])
        assert json.loads((published.path / "COMMITTED").read_text())["last_key"] == 40
    with sqlite3.connect(published.path / "gallery.sqlite") as connection:
        connection.execute("UPDATE sqlite_sequence SET seq = 39 WHERE name = 'items'")
    connection.close()
    with pytest.raises(GalleryDamaged, match=r"would give keys again.*39, 40 was given"):
        writer_of(published.path)


def test_a_key_that_would_be_given_again_is_noticed_at_the_write(published: Published) -> None:
    with LiveGallery.open(published.path) as gallery:
        with gallery._writer._records.database.transaction() as execute:
            execute("UPDATE sqlite_sequence SET seq = 12 WHERE name = 'items'")
        with pytest.raises(GalleryDamaged, match="would give key 13 again, keys up to 40 were given"):
            gallery.upsert(numbered(range(1), seed=0))
