"""Damage: a gallery answers rightly or says what is wrong; it never answers wrongly."""

import logging
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from smserve.errors import GalleryDamaged, SmserveError
from smserve.gallery import LocalGallery
from smserve.types import FieldMask
from tests.gallery.brute_force import unit_vectors
from tests.gallery.conftest import DIMENSION, MODEL, Published, numbered
from tests.gallery.logs import killed_gallery
from tests.gallery.test_local import writer_of

EVERYTHING = FieldMask(vector=True, thumbnail=True)


def outcome(published: Published) -> str:
    """Return "right", or the reason of the error; fails where an answer is wrong or an error is not ours."""
    try:
        gallery = LocalGallery.open(published.path, model_fingerprint=MODEL)
    except SmserveError as error:
        return error.reason
    try:
        queries = unit_vectors(3, DIMENSION, seed=99)
        for query, hits in zip(queries, gallery.search(queries, 40, EVERYTHING).hits, strict=True):
            assert [hit.item_id for hit in hits] == [item_id for item_id, _ in published.oracle.search(query, 40)]
        return "right"
    except SmserveError as error:
        return error.reason
    finally:
        gallery.close()


@pytest.mark.parametrize("name", ["index.faiss", "vectors.f32", "keys.i64", "manifest.json"])
@pytest.mark.parametrize("share", [0.0, 0.4, 0.999])
def test_a_flipped_bit_in_a_generation_changes_no_answer(
    published: Published, caplog: pytest.LogCaptureFixture, name: str, share: float
) -> None:
    file = published.path / "generations" / "000002" / name
    data = bytearray(file.read_bytes())
    data[int(share * len(data))] ^= 1
    file.write_bytes(data)
    with caplog.at_level(logging.ERROR):
        gallery = published.check()
    assert gallery.info().generation == 1
    assert gallery.info().item_count == 40
    assert "generation 2" in caplog.text
    assert name in caplog.text


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe", b'{"generation": 9, "manifest_sha256": "0"}'])
def test_a_damaged_current_changes_no_answer(
    published: Published, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    (published.path / "CURRENT").write_bytes(content)
    published.check()
    assert caplog.records


@pytest.mark.parametrize("keep", [0, 10, 100])
def test_without_a_sound_generation_the_rows_are_searched(
    published: Published, caplog: pytest.LogCaptureFixture, keep: int
) -> None:
    for file in (published.path / "generations").glob("*/index.faiss"):
        file.write_bytes(file.read_bytes()[:keep])
    gallery = published.check()
    assert gallery.info().generation == 0
    assert "searched from its records" in caplog.text


@pytest.mark.parametrize("column", ["label", "payload", "source_uri", "source_sha256", "vector"])
def test_a_changed_row_is_noticed_where_it_is_read(published: Published, column: str) -> None:
    with sqlite3.connect(published.path / "gallery.sqlite") as connection:
        query = f"SELECT {column} FROM items WHERE item_id = 'item-7'"  # noqa: S608 - a name from the list above
        (value,) = connection.execute(query).fetchone()
        changed = bytes([value[0] ^ 1]) + value[1:] if isinstance(value, bytes) else value.replace(value[0], "x", 1)
        update = f"UPDATE items SET {column} = ? WHERE item_id = 'item-7'"  # noqa: S608 - as above
        connection.execute(update, (changed,))
    connection.close()
    gallery = LocalGallery.open(published.path)
    with pytest.raises(GalleryDamaged, match="'item-7'"):
        gallery.get("item-7", FieldMask())
    with pytest.raises(GalleryDamaged, match="'item-7'"):
        gallery.search(published.oracle.items["item-7"].vector[np.newaxis], 1, FieldMask())
    assert gallery.get("item-8", FieldMask()).item_id == "item-8"
    gallery.close()


def test_a_changed_thumbnail_is_noticed(published: Published) -> None:
    with sqlite3.connect(published.path / "gallery.sqlite") as connection:
        connection.execute("UPDATE thumbnails SET image = x'00' WHERE key = 2")
    connection.close()
    gallery = LocalGallery.open(published.path)
    with pytest.raises(GalleryDamaged, match=r"thumbnail of item 'item-1'"):
        gallery.get("item-1", FieldMask(thumbnail=True))
    gallery.close()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model_fingerprint", "b" * 64),
        ("dimension", "7"),
        ("metric", "l2"),
        ("format_version", "1"),
        ("format_version", "3"),
    ],
)
def test_a_gallery_that_says_something_else_about_itself_is_refused(
    published: Published, name: str, value: str
) -> None:
    with sqlite3.connect(published.path / "gallery.sqlite") as connection:
        connection.execute("UPDATE meta SET value = ? WHERE name = ?", (value, name))
    connection.close()
    with pytest.raises(GalleryDamaged, match=r"checksum|format version '3', this smserve reads 1 to 2"):
        LocalGallery.open(published.path)


@pytest.mark.parametrize("keep", [0, 50, 5000])
def test_a_cut_database_is_refused(published: Published, keep: int) -> None:
    file = published.path / "gallery.sqlite"
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(GalleryDamaged):
        published.check()


def test_a_damaged_committed_is_refused(published: Published) -> None:
    (published.path / "COMMITTED").write_bytes(b'{"sequence": 1, "crc32": 5}')
    with pytest.raises(GalleryDamaged, match="COMMITTED fails its checksum"):
        LocalGallery.open(published.path)


@pytest.mark.parametrize("generations", ["kept", "lost"])
def test_a_flipped_byte_in_the_database_is_harmless_or_noticed(published: Published, generations: str) -> None:
    """SQLite's pages carry no checksum: its tables, indexes and schema are all damaged here, one byte at a time."""
    if generations == "lost":  # then everything is read from the database, vectors too
        shutil.rmtree(published.path / "generations")
    file = published.path / "gallery.sqlite"
    data = file.read_bytes()
    random = np.random.default_rng(0)
    used = np.flatnonzero(np.frombuffer(data, np.uint8))  # the rest is mostly free space
    outcomes = set()
    for position in random.choice(used, 250, replace=False):
        damaged = bytearray(data)
        damaged[position] ^= int(random.choice([0x01, 0x80, 0xFF]))
        file.write_bytes(damaged)
        outcomes.add(outcome(published))
    assert outcomes == {"right", "GALLERY_DAMAGED"}


# Places that a fuzz of 6,000 flips found: a row number in an index, and a schema that is no Unicode any more.
@pytest.mark.parametrize("statement", [b"CREATE TABLE items", b"NOT NULL", b"sqlite_autoindex_items_1"])
def test_a_damaged_schema_is_our_error(published: Published, statement: bytes) -> None:
    file = published.path / "gallery.sqlite"
    data = file.read_bytes()
    middle = data.index(statement) + len(statement) // 2
    file.write_bytes(data[:middle] + bytes([data[middle] ^ 0x80]) + data[middle + 1 :])
    assert outcome(published) == "GALLERY_DAMAGED"


@pytest.mark.parametrize("content", [b"", b"hello", b"SQLite format 3\0", bytes(8192)])
def test_a_database_that_is_none_is_refused(published: Published, content: bytes) -> None:
    (published.path / "gallery.sqlite").write_bytes(content)
    with pytest.raises(GalleryDamaged, match=r"gallery\.sqlite.*restore"):
        LocalGallery.open(published.path)


def test_a_damaged_write_ahead_log_loses_nothing_in_silence(in_memory: Path) -> None:
    """SQLite takes a damaged frame for the end of the log, and forgets the rows after it without a word."""
    source = in_memory / "source"
    log = killed_gallery(source)
    lost = 0
    for number, position in enumerate(np.linspace(40, len(log) - 1, 12).astype(int)):
        place = in_memory / str(number)
        shutil.copytree(source, place)
        damaged = bytearray(log)
        damaged[position] ^= 1
        (place / "gallery.sqlite-wal").write_bytes(damaged)
        try:
            gallery = LocalGallery.open(place)
        except GalleryDamaged:
            lost += 1
            with pytest.raises(GalleryDamaged, match="lost acknowledged writes"):
                writer_of(place)
            assert (place / "gallery.sqlite-wal").read_bytes() == damaged  # who looks at it later finds it all
            continue
        assert gallery.info().item_count == 40
        gallery.close()
    assert lost > 0
    gallery = LocalGallery.open(source)
    wanted = numbered(range(36, 40), seed=36)[0]
    assert gallery.info().item_count == 40
    assert gallery.search(wanted.vector[np.newaxis], 1, FieldMask()).hits[0][0].item_id == "item-36"
    gallery.close()


@pytest.mark.parametrize("damage", [b"\x01", b"cut"])
def test_a_damaged_manifest_is_not_believed_when_falling_back(published: Published, damage: bytes) -> None:
    """Generation 1 says that it ends at write 1; were it believed that it ends at 2, twenty items would be lost."""
    (published.path / "generations" / "000002" / "index.faiss").unlink()
    file = published.path / "generations" / "000001" / "manifest.json"
    text = file.read_text()
    changed = text.replace('"last_sequence": 1', '"last_sequence": 2') if damage == b"\x01" else text[:100]
    assert changed != text
    file.write_text(changed)
    assert published.check().info().generation == 0
