"""A gallery is copied from a folder to Milvus and back; what arrives is what was there."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from smserve.errors import GalleryChanged, GalleryExists, GalleryNotFound
from smserve.gallery import LocalGallery, LocalGalleryWriter, NewItem
from smserve.gallery.milvus import MilvusAddress, MilvusGallery, MilvusReader
from smserve.indexing import copy_gallery
from smserve.types import FieldMask, Item
from tests.gallery.conftest import DIMENSION, MODEL, numbered

EVERYTHING = FieldMask(payload=True, vector=True, thumbnail=True)


class InterruptedError(Exception):
    pass


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """700 items in a folder, three pages; some of them share a vector, one is written again."""
    items = numbered(range(690), seed=1)
    twins = [NewItem(item_id=f"twin-{n}", vector=items[0].vector) for n in range(10)]
    with LocalGalleryWriter(tmp_path / "g", model_fingerprint=MODEL, dimension=DIMENSION) as writer:
        writer.upsert([*items, *twins])
        writer.upsert(numbered(range(3, 4), seed=2))
        writer.publish()
    return tmp_path / "g"


@pytest.fixture
def milvus(tmp_path: Path) -> MilvusAddress:
    return MilvusAddress(name="copied", file=tmp_path / "m.db")


def content(items: tuple[Item, ...]) -> list[tuple[object, ...]]:
    return [
        (each.item_id, each.label, dict(each.payload), each.source_uri, each.source_sha256, each.thumbnail)
        for each in items
    ]


def test_there_and_back(folder: Path, milvus: MilvusAddress, tmp_path: Path) -> None:
    done: list[tuple[str, int, int]] = []
    there = copy_gallery(folder, milvus, progress=lambda *seen: done.append(seen))
    assert (there.item_count, there.copied, there.compared, there.recall) == (700, 700, 100, 1.0)
    assert done == [(what, seen, 700) for what in ("copying", "comparing") for seen in (256, 512, 700)]
    assert (there.model_fingerprint, there.destination) == (MODEL, str(milvus))
    back = copy_gallery(milvus, tmp_path / "back")
    assert (back.item_count, back.copied, back.compared, back.recall) == (700, 700, 100, 1.0)
    first, second = LocalGallery.open(folder), LocalGallery.open(tmp_path / "back")
    pages = [gallery.page(1000, "", EVERYTHING).items for gallery in (first, second)]
    assert content(pages[0]) == content(pages[1])
    for one, other in zip(*pages, strict=True):
        np.testing.assert_array_equal(one.vector, other.vector)
    first.close()
    second.close()


def test_an_interrupted_copy_goes_on(folder: Path, milvus: MilvusAddress) -> None:
    def interrupt(what: str, done: int, of: int) -> None:
        if done > 300:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        copy_gallery(folder, milvus, progress=interrupt)
    with LocalGalleryWriter(folder, model_fingerprint=MODEL, dimension=DIMENSION) as writer:
        writer.delete(["item-0"])  # which was copied
        writer.upsert([NewItem(item_id="item-1", vector=np.eye(DIMENSION, dtype=np.float32)[0], label="new")])
    report = copy_gallery(folder, milvus)
    assert (report.item_count, report.copied, report.recall) == (699, 700 - 512 + 1, 1.0)
    with MilvusGallery.open(milvus) as gallery:
        assert gallery.count().total == 699
        assert gallery.get("item-1", FieldMask()).label == "new"


def test_nothing_is_overwritten_and_nothing_is_copied_from_nowhere(
    folder: Path, milvus: MilvusAddress, tmp_path: Path
) -> None:
    with pytest.raises(GalleryNotFound):
        copy_gallery(tmp_path / "nothing", milvus)
    copy_gallery(folder, milvus)
    for source, destination in ((folder, milvus), (milvus, folder)):
        with pytest.raises(GalleryExists, match="finished gallery"):
            copy_gallery(source, destination)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda writer: writer.delete(["item-689"]), r"m\.db#copied: there are 700 items, the source has 699"),
        (lambda writer: writer.upsert(numbered(range(690), seed=9)), r"item '.*' is not what the source holds"),
    ],
    ids=["deleted", "written again"],
)
def test_a_source_that_is_written_to_is_noticed(
    folder: Path, milvus: MilvusAddress, change: Callable[[LocalGalleryWriter], object], message: str
) -> None:
    def write(what: str, done: int, of: int) -> None:
        if (what, done) == ("copying", 700):
            with LocalGalleryWriter(folder, model_fingerprint=MODEL, dimension=DIMENSION) as writer:
                change(writer)

    with pytest.raises(GalleryChanged, match=message):
        copy_gallery(folder, milvus, progress=write)
    MilvusReader.open(milvus).close()
