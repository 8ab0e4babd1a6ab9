"""The next generation is built beside the running one, and swapped in whole."""

import logging
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import pytest

from smserve.errors import DiskFull, Unavailable
from smserve.gallery import CompactionPolicy, LiveGallery
from smserve.gallery.publication import BuiltIndex, exact_index
from smserve.types import FloatArray
from tests.gallery.conftest import Published, numbered
from tests.gallery.test_live import check

EAGER = CompactionPolicy(share=0.1, least=5)


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_it_folds_in_what_was_written(published: Published) -> None:
    with LiveGallery.open(published.path) as gallery:
        items = numbered(range(30, 50), seed=5)
        gallery.upsert(items)
        gallery.delete(["item-0", "item-45"])
        published.oracle.upsert(items)
        published.oracle.delete(["item-0", "item-45"])
        compacted = gallery.compact()
        assert (compacted.number, compacted.item_count, compacted.last_sequence) == (3, 48, 4)
        assert (compacted.index, compacted.current, compacted.previous) == ("Flat", True, False)
        assert [(each.number, each.current, each.previous) for each in gallery.generations()] == [
            (3, True, False),
            (2, False, True),
        ]
        assert gallery._views.current.pending == 0
        check(gallery, published.oracle)
        assert gallery.publish() == 4
    check(published.check(), published.oracle)


def test_what_is_written_meanwhile_is_found(published: Published) -> None:
    """Each point of a compaction sees a write: an item that is new, one that is replaced, and one that goes."""
    seen: Counter[str] = Counter()

    def at(point: str) -> None:
        if not point.startswith(("generation.", "swap.v")) or writing:
            return
        seen[point] += 1
        number = 100 + 2 * len(seen)
        writing.append(point)
        items = numbered(range(number, number + 2), seed=number) + numbered(range(3, 4), seed=number)
        gallery.upsert(items)
        gallery.delete([f"item-{number}", f"item-{len(seen) + 10}"])
        published.oracle.upsert(items)
        published.oracle.delete([f"item-{number}", f"item-{len(seen) + 10}"])
        check(gallery, published.oracle)
        writing.clear()

    writing: list[str] = []
    with LiveGallery.open(published.path, compaction=None, at=at) as gallery:
        gallery.compact()
        assert len(seen) > 8
        check(gallery, published.oracle)
        gallery.compact()
        check(gallery, published.oracle)
    check(published.check(), published.oracle)


def test_it_starts_by_itself_when_much_was_written(published: Published) -> None:
    with LiveGallery.open(published.path, compaction=EAGER) as gallery:
        gallery.upsert(numbered(range(40, 44), seed=5))
        assert gallery._background.thread is None  # four rows are too few
        gallery.upsert(numbered(range(44, 46), seed=6))
        wait_until(lambda: gallery.info().generation == 3)
        published.oracle.upsert(numbered(range(40, 44), seed=5) + numbered(range(44, 46), seed=6))
        check(gallery, published.oracle)
        gallery.delete([f"item-{number}" for number in range(6)])  # masked rows count, too
        published.oracle.delete([f"item-{number}" for number in range(6)])
        wait_until(lambda: gallery.info().generation == 4)
        check(gallery, published.oracle)


def test_it_starts_at_the_opening_when_much_was_written_before(published: Published) -> None:
    with LiveGallery.open(published.path, compaction=None) as gallery:
        gallery.upsert(items := numbered(range(40, 46), seed=5))
        published.oracle.upsert(items)
    with LiveGallery.open(published.path, compaction=EAGER) as gallery:
        wait_until(lambda: gallery.info().generation == 3)
        check(gallery, published.oracle)


@pytest.mark.parametrize(("share", "least", "wanted"), [(0.1, 5, True), (0.2, 5, False), (0.1, 7, False)])
def test_the_policy(published: Published, share: float, least: int, wanted: bool) -> None:
    with LiveGallery.open(published.path, compaction=None) as gallery:
        gallery.upsert(numbered(range(39, 42), seed=5))  # one replaced, two new: three fresh rows and a masked one
        gallery.delete(["item-41", "item-1"])  # fresh, dead rows still cost: 40 items, 5 pending rows
        assert gallery._views.current.pending == 5
        assert CompactionPolicy(share=share, least=least).wants(gallery._views.current) is wanted


def test_compacting_where_a_policy_wants_it(published: Published) -> None:
    with LiveGallery.open(published.path, compaction=None) as gallery:
        assert not gallery.compact_if(EAGER)
        gallery.upsert(items := numbered(range(40, 46), seed=5))
        published.oracle.upsert(items)
        assert gallery.compact_if(EAGER)
        assert gallery.info().generation == 3
        check(gallery, published.oracle)


def test_a_compaction_that_fails_is_said_and_not_tried_at_every_write(
    published: Published, caplog: pytest.LogCaptureFixture
) -> None:
    tries = []

    def no_index(vectors: FloatArray) -> BuiltIndex:
        tries.append(len(vectors))
        raise DiskFull("no room today")

    with LiveGallery.open(published.path, compaction=EAGER, build_index=no_index) as gallery:
        for number in range(40, 51):
            gallery.upsert(items := numbered(range(number, number + 1), seed=number))
            published.oracle.upsert(items)
            if gallery._background.thread is not None:
                gallery._background.thread.join(timeout=30)
        assert tries == [45, 50]  # five rows, and then five more
        assert gallery.info().generation == 2
        check(gallery, published.oracle)
        with pytest.raises(DiskFull, match="no room today"):
            gallery.compact()
    assert "could not be compacted and goes on as it is: no room today" in caplog.text
    assert sorted(path.name for path in (published.path / "generations").iterdir()) == ["000001", "000002"]


def test_the_room_that_it_needs_is_named(published: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage(NamedTuple):
        free: int

    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(free=1000))  # a disk can't be filled for a test
    with LiveGallery.open(published.path) as gallery:
        with pytest.raises(DiskFull, match=r"generation 3 .* needs 1,050,8\d\d bytes, 1,000 are free"):
            gallery.compact()
        check(gallery, published.oracle)


def test_a_generation_that_changed_under_us_is_not_copied(
    published: Published, caplog: pytest.LogCaptureFixture
) -> None:
    """Its bytes were verified when it was opened; they are on a disk since."""
    with LiveGallery.open(published.path) as gallery:
        file = published.path / "generations" / "000002" / "vectors.f32"
        with file.open("r+b") as stream:
            stream.seek(100)
            byte = stream.read(1)
            stream.seek(100)
            stream.write(bytes([byte[0] ^ 1]))
        with caplog.at_level(logging.ERROR):
            assert gallery.compact().number == 3
        assert "vectors.f32 of generation 2 has changed since it was opened" in caplog.text
        check(gallery, published.oracle)
    caplog.clear()
    check(published.check(), published.oracle)
    assert not caplog.records


@pytest.mark.parametrize("which", [[2], [1, 2]])
def test_a_damaged_generation_is_healed(published: Published, which: list[int]) -> None:
    for number in which:
        (published.path / "generations" / f"{number:06d}" / "index.faiss").unlink()
    with LiveGallery.open(published.path) as gallery:
        check(gallery, published.oracle)
        wait_until(lambda: gallery.info().generation == 3)
        check(gallery, published.oracle)
    assert published.check().info().generation == 3


def test_closing_ends_a_compaction(published: Published) -> None:
    building, closed = threading.Event(), threading.Event()

    def slow_index(vectors: FloatArray) -> BuiltIndex:
        building.set()
        assert closed.wait(30)
        return exact_index(vectors)

    gallery = LiveGallery.open(published.path, build_index=slow_index)
    outcomes = []

    def compact() -> None:
        try:
            gallery.compact()
        except Unavailable as error:
            outcomes.append(error.message)

    thread = threading.Thread(target=compact)
    thread.start()
    assert building.wait(30)
    closing = threading.Thread(target=gallery.close)
    closing.start()
    wait_until(lambda: gallery._closing)
    closed.set()
    for each in (thread, closing):
        each.join(timeout=30)
    assert len(outcomes) == 1
    assert "closed" in outcomes[0]
    assert published.check().info().generation == 2
    LiveGallery.open(published.path).close()  # the lock is free
