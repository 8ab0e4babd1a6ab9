"""Galleries written by the first smserve of each format version open for ever; make_golden.py made them."""

import logging
import shutil
from pathlib import Path

import numpy as np
import pytest

from smserve.gallery import LocalGallery, LocalGalleryWriter
from smserve.types import FieldMask
from tests.gallery.make_golden import GOLDEN, MODEL, make

QUERY = np.array([[0.8, 0.6, 0.0, 0.0]], np.float32)  # cosines: f 0.8, a 0.7 (the diagonal), b 0.6, c and d 0, e -0.8


def check(path: Path, generation: int) -> None:
    gallery = LocalGallery.open(path, model_fingerprint=MODEL)
    info = gallery.info()
    assert (info.item_count, info.dimension, info.metric, info.generation) == (6, 4, "cosine", generation)
    (hits,) = gallery.search(QUERY, 10, FieldMask()).hits
    assert [hit.item_id for hit in hits] == ["f", "a", "b", "c", "d", "e"]
    assert [hit.score for hit in hits] == pytest.approx([0.8, 0.7, 0.6, 0, 0, -0.8], abs=1e-6)
    assert (hits[1].label, dict(hits[1].payload)) == ("replaced", {"price": 3, "name": "ä a"})
    item = gallery.get("c", FieldMask(vector=True, thumbnail=True))
    assert (item.source_uri, item.thumbnail) == ("/pictures/c.jpg", b"\xff\xd8 a picture")
    assert item.vector is not None
    assert item.vector.tolist() == [0, 0, 1, 0]
    gallery.close()


@pytest.fixture(params=sorted(path.name for path in GOLDEN.iterdir()))
def golden(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy, since opening a gallery may make files beside its database."""
    return shutil.copytree(GOLDEN / request.param, tmp_path / "golden")


def test_it_opens_and_answers(golden: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        check(golden, generation=2)
    assert not caplog.records  # nothing had to be fallen back from


def test_it_can_be_written_to(golden: Path) -> None:
    with LocalGalleryWriter(golden, model_fingerprint=MODEL, dimension=4) as writer:
        assert {item_id: source.sha256 for item_id, source in writer.sources().items()} == {
            item_id: item_id * 64 for item_id in "abcdef"
        }
        assert writer.publish() == 3
    check(golden, generation=3)


def test_what_is_written_today_answers_alike(tmp_path: Path) -> None:
    make(tmp_path / "today")
    check(tmp_path / "today", generation=2)
