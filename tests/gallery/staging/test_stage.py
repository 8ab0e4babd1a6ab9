"""Another model is staged: what is missing is embedded, the gallery stays as it is."""

from dataclasses import replace

import pytest

from smserve.errors import AlreadyExists, GalleryLocked, GalleryNotFound, GenerationMismatch
from smserve.gallery import LocalGallery
from smserve.gallery.staging import activate, discard, gallery_models
from tests.gallery.conftest import MODEL, Published, numbered
from tests.gallery.staging.other_model import OTHER, bring_level, embed, open_stage, writer


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
