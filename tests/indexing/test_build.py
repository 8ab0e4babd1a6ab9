"""Building with a real model: what is stored, what is left out, how an interrupted build goes on."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from smserve.embedder import Embedder, InferenceSettings
from smserve.errors import GalleryExists, GenerationMismatch, InvalidInput, ModelMismatch
from smserve.gallery import LocalGallery
from smserve.indexing import REPORT_FILE, BuildReport, build_gallery, pictures_in
from smserve.types import FieldMask
from tests.support.pictures import write_class_folders

EVERYTHING = FieldMask(payload=True, vector=True, thumbnail=True)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder a class: 24 pictures of 6 classes, free to be changed."""
    root = tmp_path / "photos"
    write_class_folders(root)
    return root


def build(model: Path, photos: Path, gallery: Path, **settings: object) -> BuildReport:
    return build_gallery(model=model, sources=pictures_in(photos), gallery=gallery, **settings)  # type: ignore[arg-type] # settings by name


def test_vectors_labels_and_thumbnails_are_those_of_the_pictures(
    tiny_model: Path, photos: Path, tmp_path: Path
) -> None:
    report = build(tiny_model, photos, tmp_path / "g", workers=3)
    embedder = Embedder(tiny_model)
    gallery = LocalGallery.open(tmp_path / "g", model_fingerprint=embedder.fingerprint)
    assert (report.items, report.embedded, report.resumed, report.unreadable) == (24, 24, 0, ())
    assert gallery.info().item_count == 24
    for source in pictures_in(photos):
        item = gallery.get(source.item_id, EVERYTHING)
        wanted = embedder.embed(embedder.prepare(source.path.read_bytes())[np.newaxis])[0]
        assert item.vector is not None
        np.testing.assert_allclose(item.vector, wanted, atol=1e-6)
        assert (item.label, item.source_uri) == (source.path.parent.name, str(source.path))
        assert item.thumbnail is not None
        assert item.thumbnail.startswith(b"\xff\xd8")
    gallery.close()


def test_openvino_gives_the_vectors_that_onnx_runtime_gives(tiny_model: Path, photos: Path, tmp_path: Path) -> None:
    build(tiny_model, photos, tmp_path / "one")
    build(tiny_model, photos, tmp_path / "other", inference=InferenceSettings(provider="openvino", threads=2))
    one, other = (LocalGallery.open(tmp_path / name) for name in ("one", "other"))
    for source in pictures_in(photos):
        vectors = [gallery.get(source.item_id, EVERYTHING).vector for gallery in (one, other)]
        assert vectors[0] is not None
        assert vectors[1] is not None
        np.testing.assert_allclose(vectors[0], vectors[1], rtol=0, atol=1e-5)
    one.close()
    other.close()


def test_without_thumbnails(tiny_model: Path, photos: Path, tmp_path: Path) -> None:
    build(tiny_model, photos, tmp_path / "g", thumbnails=False)
    gallery = LocalGallery.open(tmp_path / "g")
    assert gallery.get("red/0.png", EVERYTHING).thumbnail is None
    gallery.close()


def test_unreadable_pictures_are_left_out_and_listed(tiny_model: Path, photos: Path, tmp_path: Path) -> None:
    (photos / "red" / "cut.jpg").write_bytes((photos / "red" / "1.jpg").read_bytes()[:200])
    (photos / "red" / "text.png").write_text("hello")
    (photos / "red" / "gone.png").symlink_to(photos / "nothing.png")
    shutil.copy(photos / "red" / "0.png", photos / "red" / "again.png")
    report = build(tiny_model, photos, tmp_path / "g")
    assert (report.items, report.duplicates) == (25, 1)
    assert {each.item_id for each in report.unreadable} == {"red/cut.jpg", "red/text.png", "red/gone.png"}
    stored = json.loads((tmp_path / "g" / REPORT_FILE).read_text(encoding="utf-8"))
    assert [each["item_id"] for each in stored["unreadable"]] == [each.item_id for each in report.unreadable]
    assert all(each["reason"] for each in stored["unreadable"])
    assert (stored["items"], stored["model_fingerprint"]) == (25, Embedder(tiny_model).fingerprint)


def test_not_one_readable_picture_is_an_error(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "1.jpg").write_text("hello")
    with pytest.raises(InvalidInput, match=r"none of 1 pictures can be read; the first, .*1\.jpg"):
        build(tiny_model, tmp_path / "photos", tmp_path / "g")
    with pytest.raises(GenerationMismatch):
        LocalGallery.open(tmp_path / "g")


def test_an_interrupted_build_goes_on(
    tiny_model: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smserve.indexing.sink._STORED", 4)
    monkeypatch.setattr("smserve.indexing.sink._EMBEDDED", 2)

    def interrupt(done: int, total: int) -> None:
        if done == 17:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(tiny_model, photos, tmp_path / "g", progress=interrupt)
    with pytest.raises(GenerationMismatch, match=r"16 items.*again"):
        LocalGallery.open(tmp_path / "g")

    (photos / "blue" / "0.png").unlink()  # stored already, no longer wanted
    shutil.copy(photos / "yellow" / "0.png", photos / "green" / "0.png")  # stored already, another picture now
    seen: list[tuple[int, int]] = []
    report = build(tiny_model, photos, tmp_path / "g", progress=lambda done, total: seen.append((done, total)))
    assert (report.items, report.resumed, report.embedded) == (23, 14, 9)
    assert (seen[0], seen[-1]) == ((0, 23), (23, 23))

    build(tiny_model, photos, tmp_path / "whole")
    resumed, whole = LocalGallery.open(tmp_path / "g"), LocalGallery.open(tmp_path / "whole")
    for source in pictures_in(photos):
        got, wanted = resumed.get(source.item_id, EVERYTHING), whole.get(source.item_id, EVERYTHING)
        assert got.vector is not None
        assert wanted.vector is not None
        np.testing.assert_allclose(got.vector, wanted.vector, atol=1e-6)
        assert (got.label, got.thumbnail) == (wanted.label, wanted.thumbnail)
    assert resumed.info().item_count == whole.info().item_count == 23
    resumed.close()
    whole.close()


def test_an_interrupted_build_belongs_to_its_model(
    tiny_model: Path, other_model: Path, photos: Path, tmp_path: Path
) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(tiny_model, photos, tmp_path / "g", progress=interrupt)
    with pytest.raises(ModelMismatch, match="same model"):
        build(other_model, photos, tmp_path / "g")


def test_nothing_is_overwritten(tiny_model: Path, photos: Path, tmp_path: Path) -> None:
    build(tiny_model, photos, tmp_path / "g")
    before = sorted((path, path.stat().st_mtime_ns) for path in (tmp_path / "g").rglob("*") if path.is_file())
    with pytest.raises(GalleryExists, match="never overwritten"):
        build(tiny_model, photos, tmp_path / "g")
    assert before == sorted((path, path.stat().st_mtime_ns) for path in (tmp_path / "g").rglob("*") if path.is_file())
    with pytest.raises(GalleryExists, match="no gallery and holds other things"):
        build(tiny_model, photos, photos)


def test_a_build_that_another_one_overtook_changes_nothing(
    tiny_model: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(Embedder):
        """While it loads, another build of the same folder ends."""

        def __init__(self, path: Path, settings: InferenceSettings) -> None:
            monkeypatch.undo()
            build(tiny_model, photos, tmp_path / "g")
            super().__init__(path, settings)

    monkeypatch.setattr("smserve.indexing.feed.Embedder", Slow)
    with pytest.raises(GalleryExists, match="never overwritten"):
        build(tiny_model, photos / "red", tmp_path / "g")
    gallery = LocalGallery.open(tmp_path / "g")
    assert gallery.info().item_count == 24
    gallery.close()


def test_pictures_that_were_moved_in_between_are_found_at_their_new_place(
    tiny_model: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smserve.indexing.sink._STORED", 1)
    monkeypatch.setattr("smserve.indexing.sink._EMBEDDED", 1)

    def interrupt(done: int, total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(tiny_model, photos, tmp_path / "g", progress=interrupt)
    moved = photos.rename(tmp_path / "moved")
    report = build(tiny_model, moved, tmp_path / "g")
    assert (report.items, report.resumed) == (24, 0)
    gallery = LocalGallery.open(tmp_path / "g")
    for source in pictures_in(moved):
        assert gallery.get(source.item_id, EVERYTHING).source_uri == str(source.path)
    gallery.close()
