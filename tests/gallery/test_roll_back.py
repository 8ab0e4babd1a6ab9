"""Back to the generation before, in one call, with every answer as it was."""

import threading
from pathlib import Path

import numpy as np
import pytest

from smserve.errors import GalleryDamaged, GenerationMismatch
from smserve.gallery import CompactionPolicy, LiveGallery, LocalGallery
from smserve.types import FieldMask
from tests.gallery.brute_force import BruteForce, unit_vectors
from tests.gallery.conftest import DIMENSION, MODEL, Published, numbered
from tests.gallery.test_live import check


def test_what_was_written_since_stays_found(published: Published) -> None:
    with LiveGallery.open(published.path, compaction=None) as gallery:
        gallery.upsert(items := numbered(range(30, 50), seed=5))
        gallery.delete(["item-0", "item-45"])
        published.oracle.upsert(items)
        published.oracle.delete(["item-0", "item-45"])
        gallery.compact()
        gallery.delete(["item-1", "item-46"])
        published.oracle.delete(["item-1", "item-46"])
        back = gallery.roll_back(expected=3)
        assert (back.number, back.item_count, back.current, back.previous) == (2, 40, True, False)
        check(gallery, published.oracle)
        gallery.upsert(items := numbered(range(1, 3), seed=6))
        published.oracle.upsert(items)
        check(gallery, published.oracle)
        assert gallery.roll_back().number == 3  # and there again
        check(gallery, published.oracle)
        gallery.roll_back()
        outside = published.check()
        assert outside.info().generation == 2
        check(outside, published.oracle)
        assert gallery.compact().number == 4
        assert {each.number for each in gallery.generations()} == {4, 2}  # 3 was gone back from
        check(gallery, published.oracle)
    check(published.check(), published.oracle)


def test_a_generation_published_by_a_build_can_be_gone_back_from(published: Published) -> None:
    with LiveGallery.open(published.path) as gallery:
        assert gallery.roll_back().number == 1
        check(gallery, published.oracle)


def test_there_must_be_something_to_go_back_to(tmp_path: Path) -> None:
    LiveGallery.create(tmp_path / "g", model_fingerprint=MODEL, dimension=DIMENSION)
    with LiveGallery.open(tmp_path / "g") as gallery:
        with pytest.raises(GenerationMismatch, match="no generation from before 1"):
            gallery.roll_back()
        gallery.compact()
        assert gallery.roll_back().number == 1


def test_of_two_who_go_back_one_does(published: Published) -> None:
    with LiveGallery.open(published.path) as gallery:
        gallery.compact()
        outcomes = []

        def go_back() -> None:
            try:
                outcomes.append(str(gallery.roll_back(expected=3).number))
            except GenerationMismatch as error:
                outcomes.append(error.message)

        threads = [threading.Thread(target=go_back) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=30)
        assert len(outcomes) == 2
        assert "2" in outcomes
        assert any("is at generation 2, not at 3" in outcome for outcome in outcomes)
        assert gallery.info().generation == 2


def test_a_damaged_one_is_not_gone_back_to(published: Published) -> None:
    with LiveGallery.open(published.path) as gallery:
        (published.path / "generations" / "000001" / "keys.i64").write_bytes(b"")
        with pytest.raises(GalleryDamaged, match=r"keys\.i64"):
            gallery.roll_back()
        assert gallery.info().generation == 2
        check(gallery, published.oracle)
        (published.path / "generations" / "000001" / "manifest.json").unlink()
        with pytest.raises(GalleryDamaged, match=r"manifest\.json"):
            gallery.roll_back()
    check(published.check(), published.oracle)


def test_no_compaction_undoes_it(published: Published) -> None:
    """Also not after a restart; asking for one does."""
    eager = CompactionPolicy(share=0, least=1)
    with LiveGallery.open(published.path, compaction=eager) as gallery:
        gallery.roll_back()
    for number in range(40, 43):
        with LiveGallery.open(published.path, compaction=eager) as gallery:
            gallery.upsert(items := numbered(range(number, number + 1), seed=number))
            published.oracle.upsert(items)
            assert gallery._background.thread is None
            assert gallery.info().generation == 1
            check(gallery, published.oracle)
    with LiveGallery.open(published.path, compaction=eager) as gallery:
        assert gallery.compact().number == 3
        gallery.upsert(items := numbered(range(50, 51), seed=50))
        published.oracle.upsert(items)
        assert gallery._background.thread is not None
    check(published.check(), published.oracle)


def test_notes_of_removed_rows_reach_back_as_far_as_generations(published: Published) -> None:
    """They are forgotten when no generation needs them, and so stay few."""
    vector = unit_vectors(1, DIMENSION, seed=8)[0]
    with LiveGallery.open(published.path, compaction=None) as gallery:
        for round_ in range(4):
            for step in range(5):
                gallery.upsert(items := numbered(range(10), seed=100 * round_ + step))
                published.oracle.upsert(items)
            gallery.compact()
            ((noted,),) = gallery._records.database.rows("SELECT count(*) FROM removed")
            assert noted == 50  # of this round: the generation before can still be gone back to
        gallery.roll_back()
        check(gallery, published.oracle)
        (hits,) = gallery.search(vector[np.newaxis], 100, FieldMask()).hits
        assert len(hits) == 40


def test_a_reader_without_notes_looks_at_every_key(published: Published) -> None:
    """It was opened before they were forgotten."""
    oracle = BruteForce()
    oracle.upsert(list(published.oracle.items.values()))
    reader = LocalGallery.open(published.path)
    with LiveGallery.open(published.path, compaction=None) as gallery:
        for step in range(3):
            gallery.upsert(items := numbered(range(step, step + 10), seed=step))
            oracle.upsert(items)
            gallery.delete([f"item-{39 - step}"])
            oracle.delete([f"item-{39 - step}"])
            gallery.compact()
        assert reader._records.removed(after_sequence=2) is None
        (hits,) = reader.search(unit_vectors(1, DIMENSION), 100, FieldMask()).hits
        assert {hit.item_id for hit in hits} == oracle.items.keys()  # of its view much is gone, so it looks again
        assert reader.info().item_count == 40
        assert reader.reload()
        check(reader, oracle)
        assert not reader.reload()
    reader.close()
