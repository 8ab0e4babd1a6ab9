"""Models that are not in use are discarded, or removed by the next one."""

from dataclasses import replace

import pytest

from smserve.errors import GenerationMismatch
from smserve.gallery import is_finished
from smserve.gallery.staging import activate, activate_previous, discard, discard_previous, gallery_models, read_staged
from tests.gallery.conftest import Published
from tests.gallery.staging.other_model import OTHER, bring_level, check_other, open_stage


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
