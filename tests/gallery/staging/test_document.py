"""ACTIVE and STAGED, the two small files: damage is found, and no model is guessed."""

import json

import pytest

from smserve.errors import GalleryDamaged
from smserve.gallery import LiveGallery, LocalGallery
from smserve.gallery.staging import activate
from tests.gallery.conftest import Published
from tests.gallery.staging.other_model import writer


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
