"""A staged model is activated, and gone back from: one model or the other, never both."""

import threading

import numpy as np
import pytest

from smserve.errors import GalleryDamaged, GalleryLocked, GenerationMismatch, ModelMismatch
from smserve.gallery import LiveGallery, LocalGallery, LocalGalleryWriter, is_finished
from smserve.gallery.active import active_folder
from smserve.gallery.staging import activate, activate_open, activate_previous, gallery_models, open_model
from smserve.types import FieldMask
from tests.gallery.brute_force import BruteForce, unit_vectors
from tests.gallery.conftest import DIMENSION, MODEL, Published, numbered
from tests.gallery.staging.other_model import (
    OTHER,
    OTHER_DIMENSION,
    bring_level,
    check_other,
    embed,
    open_stage,
    writer,
)


def test_staging_leaves_the_gallery_as_it_is_and_activation_switches_it(staged: Published) -> None:
    staged.check().close()
    assert [(m.state, m.model_fingerprint, m.item_count) for m in gallery_models(staged.path)] == [
        ("in use", MODEL, 40),
        ("staged", OTHER, 40),
    ]
    before = LocalGallery.open(staged.path)
    activate(staged.path)
    check_other(staged.path, staged.oracle)
    assert before.info().model_fingerprint == MODEL  # whoever has it open stays with the model that it opened
    query = unit_vectors(1, DIMENSION, seed=4)
    found = [hit.item_id for hit in before.search(query, 3, FieldMask()).hits[0]]
    assert found == [item_id for item_id, _ in staged.oracle.search(query[0], 3)]
    assert not before.reload()
    before.close()
    with pytest.raises(ModelMismatch, match=f"{OTHER}.*{MODEL}"):
        LocalGallery.open(staged.path, model_fingerprint=MODEL)
    with pytest.raises(ModelMismatch):
        writer(staged.path)


def test_items_carry_everything_but_their_vector(staged: Published) -> None:
    activate(staged.path)
    fields = FieldMask(payload=True, vector=True, thumbnail=True)
    reader = LocalGallery.open(staged.path)
    for item in staged.oracle.items.values():
        found = reader.get(item.item_id, fields)
        wanted = (item.label, item.payload, item.source_uri, item.thumbnail)
        assert (found.label, found.payload, found.source_uri, found.thumbnail) == wanted
        assert found.vector is not None
        np.testing.assert_array_equal(found.vector, embed(item).vector)
    reader.close()


def test_a_served_gallery_is_staged_while_it_serves_but_not_switched_under_its_writer(published: Published) -> None:
    with LiveGallery.open(published.path) as live:
        bring_level(published.path)
        with pytest.raises(GalleryLocked):
            activate(published.path)
        assert live.info().model_fingerprint == MODEL
    activate(published.path)
    with LiveGallery.open(published.path, model_fingerprint=OTHER) as live:
        live.upsert([embed(item) for item in numbered(range(60, 62), seed=2)])
        live.compact()
        assert live.info().item_count == 42
    assert is_finished(published.path)


def test_back_and_forth_while_nothing_was_written(staged: Published) -> None:
    activate(staged.path)
    activate_previous(staged.path)
    staged.check().close()
    activate_previous(staged.path)
    check_other(staged.path, staged.oracle)


def test_back_after_a_write_needs_staging_and_that_is_cheap(staged: Published) -> None:
    activate(staged.path)
    new = numbered(range(70, 71), seed=3)
    with LocalGalleryWriter(staged.path, model_fingerprint=OTHER, dimension=OTHER_DIMENSION) as writing:
        writing.upsert([embed(new[0])])
    staged.oracle.upsert(new)
    with pytest.raises(GenerationMismatch, match=r"written to since its model was changed \(\d then, \d now\)"):
        activate_previous(staged.path)
    with open_stage(staged.path, MODEL) as stage:
        sequence = stage.sequence()
        assert [item.item_id for item in stage.wanted()] == ["item-70"]
        stage.store(new)
        stage.delete_gone()
        assert stage.finish(sequence)
    with pytest.raises(GenerationMismatch, match="keeps no model from before"):
        activate_previous(staged.path)  # it is a stage now
    activate(staged.path)
    staged.check().close()


def test_both_are_opened_side_by_side(staged: Published) -> None:
    in_use, other = (open_model(model, model.state) for model in gallery_models(staged.path))
    assert (in_use.info().dimension, other.info().dimension) == (DIMENSION, OTHER_DIMENSION)
    in_use.close()
    other.close()


def test_a_damaged_stage_is_not_activated(staged: Published) -> None:
    folder = gallery_models(staged.path)[1].folder
    data = (folder / "gallery.sqlite").read_bytes()
    (folder / "gallery.sqlite").write_bytes(data[:4096])
    with pytest.raises(GalleryDamaged):
        activate(staged.path)
    staged.check().close()


def test_a_stage_written_to_by_hand_is_not_activated(staged: Published) -> None:
    folder = gallery_models(staged.path)[1].folder
    with LocalGalleryWriter(folder, model_fingerprint=OTHER, dimension=OTHER_DIMENSION) as writing:
        writing.delete(["item-1"])
    with pytest.raises(GenerationMismatch, match="was changed since it was level"):
        activate(staged.path)


def test_what_came_since_is_not_lost_by_an_open_switch(staged: Published) -> None:
    stage = gallery_models(staged.path)[1].folder
    with LiveGallery.open(staged.path) as old, LiveGallery.open(stage, exactly=True) as new:
        old.delete([next(iter(staged.oracle.items))])
        with pytest.raises(GenerationMismatch, match="only what is missing is embedded"):
            activate_open(staged.path, in_use=old.level(), staged=new.level())
    assert gallery_models(staged.path)[0].model_fingerprint == MODEL


def test_searches_during_switches_are_of_one_model(staged: Published) -> None:
    """Readers open and search while the model changes back and forth; query and vectors are of one dimension."""
    activate(staged.path)
    stop = threading.Event()
    failures: list[BaseException] = []
    seen: set[str] = set()

    def read() -> None:
        try:
            while not stop.is_set():
                reader = LocalGallery.open(staged.path)
                info = reader.info()
                query = unit_vectors(1, info.dimension, seed=3)
                hits = reader.search(query, 3, FieldMask()).hits[0]
                items = staged.oracle.items.values()
                oracle = BruteForce()
                oracle.upsert(list(items) if info.model_fingerprint == MODEL else [embed(item) for item in items])
                assert [hit.item_id for hit in hits] == [item_id for item_id, _ in oracle.search(query[0], 3)]
                seen.add(info.model_fingerprint)
                reader.close()
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below
            failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        activate_previous(staged.path)
    while len(seen) < 2 and not failures:
        activate_previous(staged.path)
    stop.set()
    for thread in threads:
        thread.join(timeout=30)
    assert failures == []
    assert seen == {MODEL, OTHER}
    assert active_folder(staged.path).exists()
