"""Galleries written by the first smserve of each format version open for ever; make_golden.py made them."""

import logging
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from smserve.errors import RequestIdReused
from smserve.gallery import LiveGallery, LocalGallery, LocalGalleryWriter, NewItem
from smserve.gallery.format import FORMAT_VERSION
from smserve.gallery.records import Records
from smserve.types import FieldMask
from tests.gallery.make_golden import GOLDEN, MODEL, golden_item, make

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


def version_of(path: Path) -> str:
    records = Records(path, writable=False)
    meta = records.meta()
    records.close()
    return meta["format_version"]


def test_it_is_written_and_searched_at_once(golden: Path) -> None:
    """Reading leaves an old gallery as it is; writing brings it to the newest version."""
    version = golden_version(golden)
    check(golden, generation=2)
    assert version_of(golden) == version
    with LiveGallery.open(golden, model_fingerprint=MODEL) as gallery:
        assert version_of(golden) == str(FORMAT_VERSION)
        reader = LocalGallery.open(golden)
        (again,) = gallery.page(1, "", FieldMask(vector=True)).items  # the oldest item
        assert (again.item_id, again.vector is not None) == ("b", True)
        assert again.vector is not None
        gallery.upsert([NewItem(item_id="b", vector=again.vector, label="again")], request_id="new")
        gallery.delete(["c", "e"])
        assert gallery.count(by_label=True).by_label == {"class": 2, "replaced": 1, "again": 1}
        for each in (gallery, reader):
            if each is reader:
                assert reader.reload()
            (hits,) = each.search(QUERY, 10, FieldMask()).hits
            assert [hit.item_id for hit in hits] == ["f", "a", "b", "d"]
        assert gallery.compact().number == 3
        assert gallery.roll_back().number == 2
        (hits,) = gallery.search(QUERY, 10, FieldMask()).hits
        assert [(hit.item_id, hit.label) for hit in hits[:3]] == [("f", "class"), ("a", "replaced"), ("b", "again")]
        reader.close()
    with LiveGallery.open(golden) as gallery:
        assert gallery.info().item_count == 4


def golden_version(path: Path) -> str:
    """Return what SQLite says, without smserve."""
    with sqlite3.connect(path / "gallery.sqlite") as connection:
        ((version,),) = connection.execute("SELECT value FROM meta WHERE name = 'format_version'")
    connection.close()
    return str(version)


def test_a_request_of_format_2_is_remembered(tmp_path: Path) -> None:
    path = shutil.copytree(GOLDEN / "v2", tmp_path / "g")
    with LocalGalleryWriter(path, model_fingerprint=MODEL, dimension=4) as writer:
        with pytest.raises(RequestIdReused, match="'write 3' was used for another write"):
            writer.delete(["a"], request_id="write 3")
        make_again(writer)
        assert writer.publish() == 3
    check(path, generation=3)


def make_again(writer: LocalGalleryWriter) -> None:
    """Repeat the last upsert of make_golden.py."""
    axes, diagonal = np.eye(4, dtype=np.float32), np.full(4, 0.5, np.float32)
    items = [golden_item("a", diagonal, label="replaced"), golden_item("f", axes[0]), golden_item("g", axes[1])]
    written = writer.upsert(items, request_id="write 3")
    assert (written.sequence, written.item_count, written.repeated) == (3, 3, True)


def test_what_is_written_today_answers_alike(tmp_path: Path) -> None:
    make(tmp_path / "today")
    check(tmp_path / "today", generation=2)
