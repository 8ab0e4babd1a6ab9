"""Publishing: whole or not at all."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from smserve.errors import SmserveError
from smserve.gallery import LocalGallery, LocalGalleryWriter, is_finished
from smserve.types import FieldMask
from tests.gallery.brute_force import unit_vectors
from tests.gallery.conftest import DIMENSION, MODEL, Published, numbered


def test_what_a_generation_holds(published: Published) -> None:
    folder = published.path / "generations" / "000002"
    assert sorted(path.name for path in folder.iterdir()) == [
        "index.faiss",
        "keys.i64",
        "manifest.json",
        "vectors.f32",
    ]
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["number"], manifest["format_version"], manifest["item_count"]) == (2, 1, 40)
    assert (manifest["last_sequence"], manifest["index"]) == (2, "Flat")
    assert manifest["recall"] == {"kind": "exact", "recall_at_10": 1.0, "choice": {"index": "Flat"}}
    assert np.fromfile(folder / "keys.i64", "<i8").tolist() == list(range(1, 41))
    vectors = np.fromfile(folder / "vectors.f32", "<f4").reshape(40, DIMENSION)
    np.testing.assert_array_equal(vectors, [published.oracle.items[f"item-{n}"].vector for n in range(40)])


def test_a_gallery_whose_current_is_lost_is_finished_all_the_same(published: Published) -> None:
    (published.path / "CURRENT").unlink()
    assert is_finished(published.path)
    assert published.check().info().generation == 2


def test_a_publication_that_fails_leaves_the_old_one(published: Published) -> None:
    generations = published.path / "generations"
    with LocalGalleryWriter(published.path, model_fingerprint=MODEL, dimension=DIMENSION) as writer:
        generations.rename(published.path / "aside")
        generations.write_text("a file in the way")
        with pytest.raises(SmserveError, match="can't be written"):
            writer.publish()
        generations.unlink()
        (published.path / "aside").rename(generations)
        assert published.check().info().generation == 2
        assert writer.publish() == 3
    assert published.check().info().generation == 3


def test_what_a_killed_publication_left_is_no_generation(published: Published) -> None:
    folder = published.path / "generations"
    shutil.copytree(folder / "000002", folder / ".000003.partial")
    (folder / ".000003.partial" / "keys.i64").write_bytes(b"half")
    assert published.check().info().generation == 2
    with LocalGalleryWriter(published.path, model_fingerprint=MODEL, dimension=DIMENSION) as writer:
        assert writer.publish() == 3
    assert sorted(path.name for path in folder.iterdir()) == ["000002", "000003"]
    published.check()


def test_an_empty_gallery_finds_nothing(tmp_path: Path) -> None:
    with LocalGalleryWriter(tmp_path / "g", model_fingerprint=MODEL, dimension=DIMENSION) as writer:
        writer.publish()
        gallery = LocalGallery.open(tmp_path / "g")
        assert gallery.search(unit_vectors(2, DIMENSION), 3, FieldMask()).hits == ((), ())
        gallery.close()
        writer.upsert(numbered(range(2), seed=0))
    gallery = LocalGallery.open(tmp_path / "g")
    assert [len(hits) for hits in gallery.search(unit_vectors(2, DIMENSION), 3, FieldMask()).hits] == [2, 2]
    gallery.close()


@pytest.mark.parametrize("other", [{"model_fingerprint": "b" * 64}, {"dimension": DIMENSION + 1}])
def test_a_generation_of_another_gallery_is_not_searched(
    published: Published, tmp_path: Path, other: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    settings = {"model_fingerprint": MODEL, "dimension": DIMENSION, **other}
    with LocalGalleryWriter(tmp_path / "other", **settings) as writer:  # type: ignore[arg-type]  # settings by name
        writer.publish()
    for name in ("generations", "CURRENT"):
        place = published.path / name
        shutil.rmtree(place) if place.is_dir() else place.unlink()
        shutil.move(tmp_path / "other" / name, place)
    assert published.check().info().generation == 0
    assert "not of the gallery's" in caplog.text


def test_a_generation_ahead_of_the_records_is_not_searched(
    published: Published, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As where gallery.sqlite alone is brought back from an older copy: keys may mean other items now."""
    older = tmp_path / "older"
    shutil.copytree(published.path, older)
    with LocalGalleryWriter(published.path, model_fingerprint=MODEL, dimension=DIMENSION) as writer:
        writer.upsert(numbered(range(60, 70), seed=60))
        writer.publish()
        writer.publish()
    for name in ("gallery.sqlite", "COMMITTED"):
        shutil.copy(older / name, published.path / name)
    assert published.check().info().generation == 0
    assert "records end before" in caplog.text
