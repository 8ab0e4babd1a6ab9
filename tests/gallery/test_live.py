"""One process writes and searches at once."""

import itertools
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from smserve.errors import (
    DiskFull,
    GalleryDamaged,
    GalleryExists,
    GalleryLocked,
    GalleryNotFound,
    GenerationMismatch,
    ModelMismatch,
    SmserveError,
    Unavailable,
)
from smserve.gallery import LiveGallery, LocalGallery, NewItem
from smserve.gallery.committed import read_committed
from smserve.types import FieldMask
from tests.gallery.brute_force import BruteForce, unit_vectors
from tests.gallery.conftest import DIMENSION, MODEL, Published, numbered
from tests.gallery.random_operations import check_hits
from tests.gallery.test_full_disk import files_up_to
from tests.gallery.test_local import OTHER, writer_of


def check(gallery: LiveGallery | LocalGallery, oracle: BruteForce, top_k: int = 12) -> None:
    queries = unit_vectors(4, DIMENSION, seed=99)
    for query, hits in zip(queries, gallery.search(queries, top_k, FieldMask()).hits, strict=True):
        check_hits(query, hits, list(oracle.items.values()), top_k)
    assert gallery.info().item_count == len(oracle.items)


def test_a_write_is_found_by_the_next_search(published: Published) -> None:
    with LiveGallery.open(published.path) as gallery:
        for step in range(5):
            items = numbered(range(10 * step, 10 * step + 15), seed=50 + step)
            gallery.upsert(items)
            published.oracle.upsert(items)
            check(gallery, published.oracle)
            gone = [f"item-{10 * step + 3}", "item-39", "nothing"]
            gallery.delete(gone)
            published.oracle.delete(gone)
            check(gallery, published.oracle)
    check(published.check(), published.oracle)


def test_a_new_gallery_is_empty_and_open_for_writing(tmp_path: Path) -> None:
    LiveGallery.create(tmp_path / "g", model_fingerprint=MODEL, dimension=DIMENSION)
    with pytest.raises(GalleryExists, match="holds a gallery"):
        LiveGallery.create(tmp_path / "g", model_fingerprint=MODEL, dimension=DIMENSION)
    oracle = BruteForce()
    with LiveGallery.open(tmp_path / "g") as gallery:
        check(gallery, oracle)
        gallery.upsert(items := numbered(range(3), seed=0))
        oracle.upsert(items)
        check(gallery, oracle)
        assert set(gallery.sources()) == oracle.items.keys()


def test_what_can_not_be_opened(published: Published, tmp_path: Path) -> None:
    with pytest.raises(GalleryNotFound):
        LiveGallery.open(tmp_path / "nothing")
    with pytest.raises(ModelMismatch, match=rf"{MODEL}.*{OTHER}"):
        LiveGallery.open(published.path, model_fingerprint=OTHER)
    with writer_of(tmp_path / "unfinished") as writer:
        writer.upsert(numbered(range(3), seed=0))
    with pytest.raises(GenerationMismatch, match="3 items are written"):
        LiveGallery.open(tmp_path / "unfinished")
    writer_of(tmp_path / "unfinished").close()  # and the lock is free again


def test_a_second_writer_is_refused_and_readers_are_not(published: Published) -> None:
    with LiveGallery.open(published.path) as gallery:
        for opening in (LiveGallery.open, writer_of):
            with pytest.raises(GalleryLocked, match=f"process {os.getpid()}"):
                opening(published.path)
        published.check().close()
        check(gallery, published.oracle)
    LiveGallery.open(published.path).close()


def test_closed_means_unavailable(published: Published) -> None:
    gallery = LiveGallery.open(published.path)
    gallery.close()
    gallery.close()
    for call in (
        lambda: gallery.search(unit_vectors(1, DIMENSION), 1, FieldMask()),
        lambda: gallery.upsert(numbered(range(1), seed=0)),
        gallery.compact,
        gallery.roll_back,
    ):
        with pytest.raises(Unavailable, match="closed"):
            call()


def test_a_write_that_can_not_be_acknowledged_is_refused_and_can_be_repeated(published: Published) -> None:
    """COMMITTED can't be written: the rows are there, but nobody was told so; the same request again settles it."""
    blocker = published.path / ".COMMITTED.partial"
    with LiveGallery.open(published.path) as gallery:
        blocker.mkdir()
        items = numbered(range(40, 45), seed=3)
        with pytest.raises(SmserveError, match="COMMITTED can't be written"):
            gallery.upsert(items, request_id="r")
        assert read_committed(published.path).sequence == 2
        published.oracle.upsert(items)
        check(gallery, published.oracle)  # what a search finds is what the records hold, acknowledged or not
        blocker.rmdir()
        written = gallery.upsert(items, request_id="r")
        assert (written.sequence, written.repeated) == (3, True)
        assert read_committed(published.path).sequence == 3
        check(gallery, published.oracle)
    published.check()


def test_without_room_writes_are_refused_and_searches_go_on(published: Published) -> None:
    with LiveGallery.open(published.path) as gallery:
        for limit in (0, 4, 5000, 70_000):

            def fill() -> None:
                for _ in range(1000):
                    gallery.upsert(numbered(range(10), seed=limit))  # noqa: B023 - called in this round

            with files_up_to(limit):
                with pytest.raises(DiskFull):
                    fill()
                with pytest.raises(DiskFull, match="can't be written"):
                    gallery.compact()
            # What could not be acknowledged may be there; once there is room, a repeat of it settles that.
            gallery.upsert(numbered(range(10), seed=limit))
            published.oracle.upsert(numbered(range(10), seed=limit))
            check(gallery, published.oracle)
        gallery.compact()
        check(gallery, published.oracle)
    published.check()


def test_an_item_written_again_and_again_is_never_missing(published: Published) -> None:
    """Its row changes between finding its key and reading the row, again and again; the search must not lose it."""
    vector = unit_vectors(1, DIMENSION, seed=5)[0]
    item = NewItem(item_id="always there", vector=vector)
    stop, gallery = threading.Event(), LiveGallery.open(published.path)
    gallery.upsert([item])
    reader = LocalGallery.open(published.path)

    def write() -> int:
        for count in itertools.count():
            gallery.upsert([item])
            if stop.is_set():
                return count
        raise AssertionError

    def search(place: LiveGallery | LocalGallery) -> int:
        searched = 0
        while not stop.is_set():
            (hits,) = place.search(vector[np.newaxis], 1, FieldMask()).hits
            assert [hit.item_id for hit in hits] == ["always there"]
            searched += 1
        return searched

    with ThreadPoolExecutor(4) as pool:
        try:
            calls = [pool.submit(write), *(pool.submit(search, place) for place in (gallery, gallery, reader))]
            stop.wait(1.0)
        finally:
            stop.set()
        assert min(call.result(timeout=60) for call in calls) > 5
    reader.close()
    gallery.close()


def test_searches_see_each_write_whole_or_not_at_all(in_memory: Path) -> None:
    """Each write replaces all items at once, with one label for all: no answer may mix two labels, nor miss an item."""
    LiveGallery.create(in_memory / "g", model_fingerprint=MODEL, dimension=DIMENSION)
    gallery, stop = LiveGallery.open(in_memory / "g", compaction=None), threading.Event()
    vectors = unit_vectors(20, DIMENSION, seed=1)

    def write(label: int) -> int:
        items = [NewItem(item_id=f"i{n}", vector=vector, label=str(label)) for n, vector in enumerate(vectors)]
        return gallery.upsert(items).sequence

    def search() -> int:
        latest = 0
        while not stop.is_set():
            answer = gallery.search(vectors[:1], 20, FieldMask())
            assert len(answer.hits[0]) == 20
            (label,) = {hit.label for hit in answer.hits[0]}
            assert int(label) == answer.sequence >= latest  # and no search goes back in time
            latest = answer.sequence
        return latest

    write(1)
    with ThreadPoolExecutor(3) as pool:
        try:
            searches = [pool.submit(search) for _ in range(3)]
            for sequence in range(2, 80):
                assert write(sequence) == sequence
                if sequence % 20 == 0:
                    gallery.compact()
        finally:
            stop.set()
        assert all(call.result(timeout=60) > 1 for call in searches)
    gallery.close()


def test_an_old_generation_goes_when_its_last_search_ends(published: Published) -> None:
    folders = published.path / "generations"
    gallery = LiveGallery.open(published.path, compaction=None)
    with gallery._views.pin() as view:  # a search that takes its time
        gallery.compact()
        gallery.compact()
        assert sorted(path.name for path in folders.iterdir()) == ["000002", "000003", "000004"]
        query = unit_vectors(1, DIMENSION, seed=3)
        assert len(view.search(query, 5)[0]) == 5
        with gallery._views.pin() as newer:
            assert newer.number == 4
    assert sorted(path.name for path in folders.iterdir()) == ["000003", "000004"]
    gallery.close()


def test_lost_rows_are_noticed(published: Published) -> None:
    gallery = LiveGallery.open(published.path)
    with gallery._writer._records.database.transaction() as execute:
        execute("DELETE FROM items WHERE item_id = 'item-7'")  # without a word: no note of it, no sequence
    with pytest.raises(GalleryDamaged, match="lost 1 rows that nobody deleted"):
        gallery.search(published.oracle.items["item-7"].vector[np.newaxis], 1, FieldMask())
    gallery.close()
    with pytest.raises(GalleryDamaged, match="39 items, 40 were written"):
        LiveGallery.open(published.path)
