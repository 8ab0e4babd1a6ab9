"""What a gallery should hold is noted with each write, and missed where it is not there."""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from smserve.errors import GalleryDamaged, SmserveError
from smserve.gallery import LiveGallery, LocalGallery, Written
from smserve.gallery.committed import read_committed
from smserve.gallery.contents import Contents, measure_contents
from smserve.types import FieldMask
from tests.gallery.conftest import Published, numbered
from tests.gallery.make_golden import GOLDEN, MODEL
from tests.gallery.test_local import writer_of

EXAMPLE = Contents(sequence=3, item_count=2, checksums=77, thumbnail_count=1, thumbnail_keys=9)


def test_its_text_reads_back_and_no_other_is_believed() -> None:
    text = str(EXAMPLE)
    assert Contents.parse(text) == EXAMPLE
    for place in range(len(text)):
        for bit in range(7):
            with pytest.raises(ValueError, match=r"."):
                Contents.parse(text[:place] + chr(ord(text[place]) ^ (1 << bit)) + text[place + 1 :])
        with pytest.raises(ValueError, match=r"."):
            Contents.parse(text[:place])


def test_sums() -> None:
    less = Contents(item_count=-1, checksums=-70, thumbnail_count=-1, thumbnail_keys=-9)
    more = Contents(sequence=4, item_count=1, checksums=5)
    assert EXAMPLE + less + more == Contents(sequence=4, item_count=2, checksums=12)


def test_each_write_notes_what_is_there(published: Published) -> None:
    with LiveGallery.open(published.path, compaction=None) as gallery:
        records = gallery._records
        writes: list[Callable[[], Written]] = [
            lambda: gallery.upsert(numbered(range(35, 50), seed=3)),
            lambda: gallery.delete(["item-1", "item-2", "nothing"]),
            lambda: gallery.upsert([*numbered(range(2), seed=4), *numbered(range(2), seed=5)]),
            lambda: gallery.delete([f"item-{number}" for number in range(60)]),
        ]
        for write in writes:
            sequence = write().sequence
            noted = records.contents()
            assert noted == measure_contents(records.database.rows) == read_committed(published.path).contents
            assert noted is not None
            assert noted.sequence == sequence
        assert noted == Contents(sequence=sequence)


def test_an_upgrade_notes_what_is_there(tmp_path: Path) -> None:
    path = Path(shutil.copytree(GOLDEN / "v1", tmp_path / "g"))
    with LiveGallery.open(path, model_fingerprint=MODEL) as gallery:
        assert gallery._records.contents() == measure_contents(gallery._records.database.rows)


def edit(path: Path, *statements: str) -> None:
    with sqlite3.connect(path / "gallery.sqlite") as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def test_a_row_that_is_gone_is_missed_before_anybody_is_told_that_there_is_none(published: Published) -> None:
    """The table and its indexes agree, and a generation still has it: a page of an old state, for one."""
    edit(published.path, "DELETE FROM items WHERE key = 8")
    with pytest.raises(GalleryDamaged, match="has 39 items, 40 were written"):
        LocalGallery.open(published.path)


def test_an_index_that_points_elsewhere_hides_no_item(published: Published) -> None:
    file = published.path / "gallery.sqlite"
    connection = sqlite3.connect(file)
    ((root,),) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_items_1'")
    connection.close()
    data = bytearray(file.read_bytes())
    data[data.index(b"item-7", (root - 1) * 4096) + 5] ^= 1  # "item-6" twice in the index, "item-7" never
    file.write_bytes(data)
    gallery = LocalGallery.open(published.path)
    for ask in (
        lambda: gallery.get("item-7", FieldMask()),
        lambda: gallery.get("nothing", FieldMask()),
        lambda: gallery.page(3, "", FieldMask()),
    ):
        with pytest.raises(GalleryDamaged, match="damaged in table items"):
            ask()
    gallery.close()
    with writer_of(published.path) as writer, pytest.raises(GalleryDamaged, match="damaged in table items"):
        writer.upsert(numbered(range(7, 8), seed=0))


@pytest.mark.parametrize(
    "statement", ["DELETE FROM thumbnails WHERE key = 4", "UPDATE thumbnails SET key = 41 WHERE key = 4"]
)
def test_a_thumbnail_that_is_gone_is_missed(published: Published, statement: str) -> None:
    edit(published.path, statement)
    gallery = LocalGallery.open(published.path)
    assert gallery.get("item-3", FieldMask()).thumbnail is None  # nobody asked for it
    with pytest.raises(SmserveError, match="does not hold the thumbnails that were written"):
        gallery.get("item-3", FieldMask(thumbnail=True))
    gallery.close()


def test_records_that_say_something_else_than_was_acknowledged_are_refused(published: Published) -> None:
    other = Contents(sequence=2, item_count=40, checksums=5)
    edit(published.path, f"UPDATE meta SET value = '{other}' WHERE name = 'contents'")  # noqa: S608 - of ours
    with pytest.raises(GalleryDamaged, match="does not hold what was acknowledged"):
        LocalGallery.open(published.path)
