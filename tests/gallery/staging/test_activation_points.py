"""A crash at any moment of an activation leaves one model or the other, never neither."""

import shutil
from pathlib import Path

import pytest

from smserve.errors import GenerationMismatch
from smserve.gallery import LiveGallery, LocalGallery
from smserve.gallery.staging import (
    ACTIVATION_POINTS,
    activate,
    activate_open,
    activate_previous,
    activate_previous_open,
    gallery_models,
)
from tests.gallery.conftest import MODEL, Published
from tests.gallery.staging.other_model import OTHER, check_other, embed


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it, and nothing is written on its way out."""


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
