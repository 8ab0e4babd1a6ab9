"""Verification looks at the staged model and at the one before, too."""

from pathlib import Path

import pytest

from smserve.gallery.findings import Effect
from smserve.gallery.repair import repair_gallery
from smserve.gallery.staging import activate, discard, discard_previous, read_staged
from smserve.gallery.verify import verify_gallery
from tests.gallery.conftest import Published
from tests.gallery.staging.other_model import bring_level, open_stage

FILES = ("gallery.sqlite", "COMMITTED", "CURRENT", "generations/000001/vectors.f32", "generations/000001/manifest.json")


def flip(file: Path, position: int) -> None:
    data = bytearray(file.read_bytes())
    data[position] ^= 4
    file.write_bytes(data)


def position_in(file: Path) -> int:
    """Where a byte matters: in the database, one of the fingerprint that the gallery says of itself."""
    if file.name == "gallery.sqlite":
        return file.read_bytes().index(b"model_fingerprint") + len("model_fingerprint") + 3
    return file.stat().st_size // 2


@pytest.fixture(params=["staged", "previous"])
def other(request: pytest.FixtureRequest, published: Published) -> tuple[Path, str, Path]:
    """A gallery, the state of its model that is not in use, and the folder of that."""
    bring_level(published.path)
    if request.param == "staged":
        staged = read_staged(published.path)
        assert staged is not None
        return published.path, "staged", published.path / staged.folder
    activate(published.path)
    return published.path, "previous", published.path


def test_sound_models(other: tuple[Path, str, Path]) -> None:
    gallery, state, _ = other
    found = verify_gallery(gallery)
    assert found.findings == ()
    assert [(each.state, each.item_count) for each in found.others] == [(state, 40)]


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_byte_is_found(other: tuple[Path, str, Path], name: str) -> None:
    gallery, state, folder = other
    flip(folder / name, position_in(folder / name))
    found = verify_gallery(gallery)
    assert {each.effect for each in found.findings} == {Effect.OTHER_MODEL}
    assert all(each.place.startswith(f"{state} model: ") for each in found.findings)
    assert (found.is_sound, found.item_count) == (False, 40)
    after = repair_gallery(gallery)  # the model in use is sound: nothing is done, and the other one is listed
    assert (after.done, after.lost, after.after.findings) == ((), (), found.findings)
    discard(gallery) if state == "staged" else discard_previous(gallery)
    assert verify_gallery(gallery).findings == ()


def test_a_model_that_is_gone_is_found(other: tuple[Path, str, Path]) -> None:
    gallery, state, folder = other
    (folder / "gallery.sqlite").unlink()
    (finding,) = verify_gallery(gallery).findings
    assert (finding.place, finding.effect) == (f"{state} model", Effect.OTHER_MODEL)


def test_a_damaged_note_of_what_is_staged_is_found(published: Published) -> None:
    bring_level(published.path)
    flip(published.path / "STAGED", 12)
    (finding,) = verify_gallery(published.path).findings
    assert (finding.place, finding.effect) == ("STAGED", Effect.OTHER_MODEL)


def test_a_stage_that_was_only_begun_is_no_damage(published: Published) -> None:
    with open_stage(published.path):
        assert verify_gallery(published.path).is_sound
    assert verify_gallery(published.path).is_sound
