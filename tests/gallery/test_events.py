"""A gallery in service tells of its writes and swaps, once each."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from smserve.errors import DiskFull, GenerationMismatch
from smserve.gallery import LiveGallery, LocalGallery, NewItem
from smserve.gallery.events import GalleryEvents, GalleryListener, SwapResult
from smserve.gallery.publication import BuiltIndex, exact_index
from smserve.types import FieldMask, FloatArray

VECTORS = np.eye(8, dtype=np.float32)


class Told(GalleryListener):
    def __init__(self) -> None:
        self.commits: list[float] = []
        self.swaps: list[SwapResult] = []

    def committed(self, seconds: float) -> None:
        self.commits.append(seconds)

    def swapped(self, result: SwapResult) -> None:
        self.swaps.append(result)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def events(told: Told) -> GalleryEvents:
    events = GalleryEvents()
    events.listen(told)
    return events


@pytest.fixture
def place(small_gallery: Path, tmp_path: Path) -> Path:
    return shutil.copytree(small_gallery, tmp_path / "small")


def test_writes_and_swaps(place: Path, events: GalleryEvents, told: Told) -> None:
    with LiveGallery.open(place, events=events, compaction=None) as gallery:
        items = [NewItem(item_id=f"i{number}", vector=vector) for number, vector in enumerate(VECTORS)]
        gallery.upsert(items, request_id="once")
        assert gallery.upsert(items, request_id="once").repeated  # nothing is written
        gallery.delete(["i0", "i1"])
        assert (gallery.info().item_count, gallery.info().tombstone_count) == (4 + 6, 2)
        gallery.upsert(items[2:3])  # replaces
        assert (gallery.info().item_count, gallery.info().tombstone_count) == (4 + 6, 3)
        gallery.compact()
        assert (gallery.info().item_count, gallery.info().tombstone_count) == (4 + 6, 0)
        gallery.roll_back()
    assert len(told.commits) == 3
    assert all(seconds > 0 for seconds in told.commits)
    assert told.swaps == [SwapResult.COMPACTED, SwapResult.ROLLED_BACK]


def test_a_swap_that_fails(place: Path, events: GalleryEvents, told: Told) -> None:
    def full(vectors: FloatArray) -> BuiltIndex:
        raise DiskFull("no room today")

    with LiveGallery.open(place, events=events, compaction=None, build_index=full) as gallery:
        with pytest.raises(DiskFull):
            gallery.compact()
        with pytest.raises(GenerationMismatch):
            gallery.roll_back(expected=99)  # refused at once
    assert told.swaps == [SwapResult.FAILED]


def test_a_reader_that_follows(place: Path, events: GalleryEvents, told: Told) -> None:
    reader = LocalGallery.open(place, events=events)
    try:
        with LiveGallery.open(place, compaction=None, build_index=exact_index) as gallery:
            gallery.upsert([NewItem(item_id="i0", vector=VECTORS[0])])
            assert reader.reload()
            assert told.swaps == []  # a write alone is no swap
            gallery.compact()
            assert reader.reload()
    finally:
        reader.close()
    assert told.swaps == [SwapResult.FOLLOWED]
    assert told.commits == []


def test_the_time_that_rows_take_is_told(place: Path) -> None:
    with LiveGallery.open(place, compaction=None) as gallery:
        neighbours = gallery.search(VECTORS[:1], 3, FieldMask(payload=True))
    assert 0 < neighbours.rows_s < 60
