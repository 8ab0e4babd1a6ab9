"""Another model staged, activated, gone back from, discarded: one model or the other, never neither, never both."""

import json
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from smserve.errors import (
    AlreadyExists,
    GalleryDamaged,
    GalleryLocked,
    GalleryNotFound,
    GenerationMismatch,
    ModelMismatch,
)
from smserve.gallery import LiveGallery, LocalGallery, LocalGalleryWriter, NewItem, is_finished
from smserve.gallery.active import active_folder
from smserve.gallery.staging import (
    ACTIVATION_POINTS,
    Stage,
    activate,
    activate_open,
    activate_previous,
    activate_previous_open,
    discard,
    discard_previous,
    gallery_models,
    open_model,
    read_staged,
)
from smserve.types import FieldMask
from tests.gallery.brute_force import BruteForce, unit_vectors
from tests.gallery.conftest import DIMENSION, MODEL, Published, numbered

OTHER, OTHER_DIMENSION = "b" * 64, 4
PROJECTION = unit_vectors(DIMENSION, OTHER_DIMENSION, seed=5)  # (D, D') the other model: old vectors, projected


def embed(item: NewItem) -> NewItem:
    vector = item.vector @ PROJECTION
    return replace(item, vector=(vector / np.linalg.norm(vector)).astype(np.float32))


def open_stage(gallery: Path, fingerprint: str = OTHER) -> Stage:
    dimension = OTHER_DIMENSION if fingerprint == OTHER else DIMENSION
    return Stage(gallery, model=Path("new.onnx"), model_fingerprint=fingerprint, dimension=dimension)


def bring_level(gallery: Path) -> int:
    """Stage all that is missing; returns how many items that were."""
    with open_stage(gallery) as stage:
        sequence = stage.sequence()
        items = [embed(item) for item in stage.wanted()]
        if items:
            stage.store(items)
        stage.delete_gone()
        assert stage.finish(sequence)
    return len(items)


def check_other(gallery: Path, oracle: BruteForce) -> None:
    """The gallery is searched with the other model, and finds what it should."""
    wanted = BruteForce()
    wanted.upsert([embed(item) for item in oracle.items.values()])
    reader = LocalGallery.open(gallery, model_fingerprint=OTHER)
    queries = unit_vectors(4, OTHER_DIMENSION, seed=98)
    for query, hits in zip(queries, reader.search(queries, 5, FieldMask()).hits, strict=True):
        assert [hit.item_id for hit in hits] == [item_id for item_id, _ in wanted.search(query, 5)]
    assert reader.info().item_count == len(oracle.items)
    reader.close()


def writer(gallery: Path) -> LocalGalleryWriter:
    return LocalGalleryWriter(gallery, model_fingerprint=MODEL, dimension=DIMENSION)


@pytest.fixture
def staged(published: Published) -> Published:
    assert bring_level(published.path) == 40
    return published


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


def test_only_what_is_missing_is_embedded_again(staged: Published) -> None:
    with writer(staged.path) as writing:
        items = [*numbered(range(38, 42), seed=9), replace(numbered(range(3, 4), seed=0)[0], label="renamed")]
        writing.upsert(items)  # two of the five are there already, from the same picture
        writing.delete(["item-7", "item-8"])
    staged.oracle.upsert(items)
    staged.oracle.delete(["item-7", "item-8"])
    with pytest.raises(GenerationMismatch, match=r"holds the writes up to 2, the last one is 4; run .* again"):
        activate(staged.path)
    assert bring_level(staged.path) == 3
    activate(staged.path)
    assert LocalGallery.open(staged.path).info().item_count == 40


def test_an_interrupted_stage_goes_on(published: Published) -> None:
    with open_stage(published.path) as stage:
        stage.store([embed(item) for item in list(stage.wanted())[:15]])
    with pytest.raises(GenerationMismatch, match="holds the writes up to 0, the last one is 2"):
        activate(published.path)
    assert [model.state for model in gallery_models(published.path)] == ["in use", "being staged"]
    published.check().close()
    assert bring_level(published.path) == 25


def test_a_write_in_between_is_seen(published: Published) -> None:
    with open_stage(published.path) as stage:
        sequence = stage.sequence()
        stage.store([embed(item) for item in stage.wanted()])
        with writer(published.path) as writing:  # the stage does not hold the gallery's lock
            writing.upsert(numbered(range(50, 51), seed=1))
        assert not stage.finish(sequence)
        sequence = stage.sequence()
        assert [item.item_id for item in stage.wanted()] == ["item-50"]


def test_two_stagers_and_two_models(published: Published) -> None:
    with open_stage(published.path):
        with pytest.raises(GalleryLocked):
            open_stage(published.path)
        with pytest.raises(AlreadyExists, match=f"has model {OTHER} .* staged, the model given is {'c' * 64}"):
            open_stage(published.path, "c" * 64)
        with pytest.raises(GalleryLocked):
            discard(published.path)
    with pytest.raises(AlreadyExists, match="nothing to stage"):
        open_stage(published.path, MODEL)
    with pytest.raises(GalleryNotFound):
        open_stage(published.path / "nowhere")


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


def test_discarding(staged: Published) -> None:
    discard(staged.path)
    assert read_staged(staged.path) is None
    assert list((staged.path / "models").iterdir()) == []
    with pytest.raises(GenerationMismatch, match="no model staged"):
        activate(staged.path)
    with pytest.raises(GenerationMismatch, match="no model staged"):
        discard(staged.path)
    with pytest.raises(GenerationMismatch, match="no model from before"):
        discard_previous(staged.path)
    assert bring_level(staged.path) == 40
    activate(staged.path)
    discard_previous(staged.path)  # the first model, in the gallery's own folder
    assert sorted(path.name for path in staged.path.iterdir()) == ["ACTIVE", "LOCK", "models"]
    check_other(staged.path, staged.oracle)
    assert is_finished(staged.path)
    with pytest.raises(GenerationMismatch, match="no model from before"):
        activate_previous(staged.path)


def test_a_third_model_removes_the_first(staged: Published) -> None:
    activate(staged.path)
    with open_stage(staged.path, "c" * 64) as stage:
        sequence = stage.sequence()
        stage.store([replace(staged.oracle.items[item.item_id], label=item.label) for item in stage.wanted()])
        assert stage.finish(sequence)
    (staged.path / "models" / "left by a crash").mkdir()
    activate(staged.path)
    assert sorted(path.name for path in (staged.path / "models").iterdir()) == ["b" * 16, "c" * 16]
    assert [(m.state, m.model_fingerprint) for m in gallery_models(staged.path)] == [
        ("in use", "c" * 64),
        ("previous", OTHER),
    ]
    assert not (staged.path / "gallery.sqlite").exists()
    staged.check().close()


def test_both_are_opened_side_by_side(staged: Published) -> None:
    in_use, other = (open_model(model, model.state) for model in gallery_models(staged.path))
    assert (in_use.info().dimension, other.info().dimension) == (DIMENSION, OTHER_DIMENSION)
    in_use.close()
    other.close()


@pytest.mark.parametrize("file", ["ACTIVE", "STAGED"])
def test_each_flip_of_the_two_small_files_is_found(staged: Published, file: str) -> None:
    whole = (staged.path / file).read_bytes()
    for position in range(len(whole)):
        flipped = bytearray(whole)
        flipped[position] ^= 1
        (staged.path / file).write_bytes(flipped)
        if json.loads(whole) == _parsed(bytes(flipped)):
            continue  # a space that became another
        with pytest.raises(GalleryDamaged, match=file):
            activate(staged.path)
    (staged.path / file).write_bytes(whole)
    activate(staged.path)


def _parsed(data: bytes) -> object:
    try:
        return json.loads(data)
    except ValueError:
        return None


def test_without_active_no_model_is_guessed(staged: Published) -> None:
    activate(staged.path)
    (staged.path / "ACTIVE").unlink()
    for opening in (LocalGallery.open, LiveGallery.open, writer):
        with pytest.raises(GalleryDamaged, match="ACTIVE is gone"):
            opening(staged.path)


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


def test_a_crash_after_the_switch_leaves_the_new_model(staged: Published) -> None:
    """All that follows the switch is tidying up: STAGED may still be there."""
    leftover = (staged.path / "STAGED").read_bytes()
    activate(staged.path)
    (staged.path / "STAGED").write_bytes(leftover)
    check_other(staged.path, staged.oracle)
    with pytest.raises(GenerationMismatch, match="no model staged"):
        activate(staged.path)
    assert [model.state for model in gallery_models(staged.path)] == ["in use", "previous"]
    activate_previous(staged.path)
    activate_previous(staged.path)
    check_other(staged.path, staged.oracle)


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it, and nothing is written on its way out."""


def test_a_crash_at_each_point_leaves_one_model_or_the_other(staged: Published, in_memory: Path) -> None:
    seen: list[str] = []
    activate(shutil.copytree(staged.path, in_memory / "whole"), seen.append)
    assert tuple(seen) == ACTIVATION_POINTS
    in_use = {}
    for point in ACTIVATION_POINTS:
        path = shutil.copytree(staged.path, in_memory / point)

        def crash(reached: str, point: str = point) -> None:
            if reached == point:
                raise Killed

        with pytest.raises(Killed):
            activate(path, crash)
        reader = LocalGallery.open(path)
        in_use[point] = reader.info().model_fingerprint
        reader.close()
        if in_use[point] == MODEL:
            Published(path=path, oracle=staged.oracle).check().close()
            activate(path)
        check_other(path, staged.oracle)
        activate_previous(path)
        Published(path=path, oracle=staged.oracle).check().close()
    assert list(in_use.values()) == [MODEL, MODEL, OTHER, OTHER, OTHER, OTHER]


def test_the_process_that_has_both_open_switches_and_goes_back(staged: Published, in_memory: Path) -> None:
    """As above, with the gallery and its stage open for writing, as a server has them."""
    in_use = {}
    for point in (*ACTIVATION_POINTS, "no crash"):
        path = shutil.copytree(staged.path, in_memory / point)
        stage = path / gallery_models(path)[1].folder.relative_to(path)

        def crash(reached: str, point: str = point) -> None:
            if reached == point:
                raise Killed

        with LiveGallery.open(path, compaction=None) as old, LiveGallery.open(stage, exactly=True) as new:
            try:
                activate_open(path, in_use=old.level(), staged=new.level(), at=crash)
            except Killed:
                assert point in ACTIVATION_POINTS
            if point == "no crash":
                new.upsert([embed(next(iter(staged.oracle.items.values())))])
                with pytest.raises(GenerationMismatch, match="written to since"):
                    activate_previous_open(path, in_use=new.level(), previous=old.level())
        in_use[point] = gallery_models(path)[0].model_fingerprint
    assert list(in_use.values()) == [MODEL, MODEL, OTHER, OTHER, OTHER, OTHER, OTHER]
    path = in_memory / "activation.tidied"
    with LiveGallery.open(path) as new, LiveGallery.open(path, exactly=True) as old:  # the first model's own folder
        assert (new.info().model_fingerprint, old.info().model_fingerprint) == (OTHER, MODEL)
        activate_previous_open(path, in_use=new.level(), previous=old.level())
    Published(path=path, oracle=staged.oracle).check().close()


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
