"""Another model staged with real models: every item embedded from its source, once; compared; refused with the list."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from smserve.embedder import Embedder
from smserve.errors import AlreadyExists, GenerationMismatch, InvalidInput, ModelDamaged, ModelMismatch
from smserve.gallery import LocalGallery, LocalGalleryWriter, NewItem
from smserve.gallery.staging import activate, gallery_models
from smserve.indexing import build_gallery, compare_models, items_from_csv, pictures_in, stage_model
from smserve.indexing.staging import source_path
from smserve.types import FieldMask, Item
from tests.support.pictures import draw, encode, write_class_folders
from tests.support.tiny_model import write_tiny_model

EVERYTHING = FieldMask(payload=True, vector=True, thumbnail=True)


@pytest.fixture(scope="module")
def built(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("staging")
    write_class_folders(root / "photos")
    build_gallery(model=tiny_model, sources=pictures_in(root / "photos"), gallery=root / "g")
    return root


@pytest.fixture
def gallery(built: Path, tmp_path: Path) -> Path:
    """24 pictures of 6 classes, indexed; the pictures stay where they were."""
    return shutil.copytree(built / "g", tmp_path / "g")


@pytest.fixture(scope="session")
def larger_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another model, of another dimension."""
    return write_tiny_model(tmp_path_factory.mktemp("model") / "larger.onnx", seed=3, dimension=12)


def writer(gallery: Path, model: Path) -> LocalGalleryWriter:
    embedder = Embedder(model)
    return LocalGalleryWriter(gallery, model_fingerprint=embedder.fingerprint, dimension=embedder.dimension)


def test_every_item_is_embedded_by_the_new_model(
    built: Path, gallery: Path, tiny_model: Path, larger_model: Path
) -> None:
    seen: list[tuple[int, int]] = []
    report = stage_model(gallery, larger_model, workers=2, progress=lambda done, total: seen.append((done, total)))
    assert (report.embedded, report.deleted, report.refused, report.dimension) == (24, 0, (), 12)
    assert (seen[0], seen[-1]) == ((0, 24), (24, 24))
    old = LocalGallery.open(gallery, model_fingerprint=Embedder(tiny_model).fingerprint)
    activate(gallery)
    embedder = Embedder(larger_model)
    new = LocalGallery.open(gallery, model_fingerprint=embedder.fingerprint)
    for source in pictures_in(built / "photos"):
        before, after = old.get(source.item_id, EVERYTHING), new.get(source.item_id, EVERYTHING)
        wanted = embedder.embed(embedder.prepare(source.path.read_bytes())[np.newaxis])[0]
        assert after.vector is not None
        np.testing.assert_allclose(after.vector, wanted, atol=1e-6)
        assert (before.label, before.source_uri, before.thumbnail) == (after.label, after.source_uri, after.thumbnail)
    old.close()
    new.close()


def test_again_embeds_nothing_and_after_a_write_only_that(
    gallery: Path, tiny_model: Path, other_model: Path, tmp_path: Path
) -> None:
    assert stage_model(gallery, other_model).embedded == 24
    assert stage_model(gallery, other_model).embedded == 0
    (tmp_path / "new picture.png").write_bytes(encode(draw("red", 77)))
    vector = np.eye(8, dtype=np.float32)[0]
    with writer(gallery, tiny_model) as writing:
        uri = (tmp_path / "new picture.png").as_uri()  # file:///.../new%20picture.png
        writing.upsert([NewItem(item_id="new", vector=vector, source_uri=uri)])
        writing.delete(["red/0.png"])
    report = stage_model(gallery, other_model)
    assert (report.embedded, report.deleted) == (1, 1)
    activate(gallery)
    reader = LocalGallery.open(gallery, model_fingerprint=Embedder(other_model).fingerprint)
    assert reader.info().item_count == 24
    reader.close()


def test_an_interrupted_stage_embeds_nothing_twice(
    gallery: Path, other_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smserve.indexing.sink._EMBEDDED", 2)
    monkeypatch.setattr("smserve.indexing.sink._STORED", 4)

    def stop(done: int, total: int) -> None:
        if done == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stage_model(gallery, other_model, workers=1, progress=stop)
    with pytest.raises(GenerationMismatch):
        activate(gallery)
    assert stage_model(gallery, other_model).embedded == 16  # 8 were stored
    activate(gallery)


def test_gone_sources_are_listed_and_nothing_is_embedded(gallery: Path, tiny_model: Path, other_model: Path) -> None:
    with writer(gallery, tiny_model) as writing:
        vectors = np.eye(8, dtype=np.float32)
        for number, uri in enumerate(["", "https://example.com/a.jpg", "relative.jpg", "/nowhere/a.jpg", "/"]):
            writing.upsert([NewItem(item_id=f"bad-{number}", vector=vectors[number], source_uri=uri)])
    report = stage_model(gallery, other_model)
    assert (report.is_level, report.embedded) == (False, 0)
    reasons = {each.item_id: each.reason for each in report.refused}
    assert reasons == {
        **dict.fromkeys(["bad-0", "bad-1", "bad-2"], "it has no picture on this machine to be embedded from"),
        "bad-3": "No such file or directory",
        "bad-4": "this is no regular file",
    }
    with pytest.raises(GenerationMismatch):
        activate(gallery)
    with writer(gallery, tiny_model) as writing:
        writing.delete(list(reasons))  # the way out: without them
    assert stage_model(gallery, other_model).is_level
    activate(gallery)


def test_a_changed_picture_is_refused_and_the_rest_is_kept(tiny_model: Path, other_model: Path, tmp_path: Path) -> None:
    paths = write_class_folders(tmp_path / "photos", per_class=2)
    build_gallery(model=tiny_model, sources=pictures_in(tmp_path / "photos"), gallery=tmp_path / "g")
    before = paths[0].read_bytes()
    paths[0].write_bytes(encode(draw("blue", 99)))
    report = stage_model(tmp_path / "g", other_model)
    assert [(each.item_id, each.path) for each in report.refused] == [("red/0.png", str(paths[0]))]
    assert "the picture has changed" in report.refused[0].reason
    with pytest.raises(GenerationMismatch):
        activate(tmp_path / "g")
    paths[0].write_bytes(before)
    assert stage_model(tmp_path / "g", other_model).embedded == 1


def test_no_other_model_and_no_model_at_all(gallery: Path, tiny_model: Path, tmp_path: Path) -> None:
    with pytest.raises(AlreadyExists):
        stage_model(gallery, tiny_model)
    with pytest.raises(ModelDamaged):
        stage_model(gallery, tmp_path / "none.onnx")
    assert not (gallery / "models").exists()


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("/a/b c.jpg", "/a/b c.jpg"),
        ("file:///a/b%20c.jpg", "/a/b c.jpg"),
        ("file://localhost/a.jpg", "/a.jpg"),
        ("file://elsewhere/a.jpg", None),
        ("http://h/a.jpg", None),
        ("a.jpg", None),
        ("", None),
    ],
)
def test_sources_on_this_machine(uri: str, path: str | None) -> None:
    assert source_path(uri) == (None if path is None else Path(path))


def test_the_comparison_by_items_agrees_with_one_by_hand(gallery: Path, tiny_model: Path, other_model: Path) -> None:
    with pytest.raises(GenerationMismatch, match="one model alone"):
        compare_models(gallery)
    stage_model(gallery, other_model)
    found = compare_models(gallery, top_k=3, ks=(1, 2))
    assert (found.queries, found.labelled) == (24, 24)
    items: dict[str, tuple[Item, ...]] = {}
    for model in gallery_models(gallery):
        reader = LocalGallery.open(model.folder) if model.state == "staged" else LocalGallery.open(gallery)
        items[model.state] = reader.page(100, "", FieldMask(vector=True)).items
        reader.close()
    nearest = {}
    for state, rows in items.items():
        by_id = {item.item_id: item for item in rows}
        nearest[state] = {
            one: sorted(
                (other for other in by_id if other != one),
                key=lambda other, one=one: -float(by_id[one].vector @ by_id[other].vector),  # type: ignore[misc, operator]
            )[:3]
            for one in by_id
        }
    overlaps = [len({*nearest["in use"][name]} & {*nearest["staged"][name]}) / 3 for name in nearest["in use"]]
    assert found.overlap == pytest.approx(np.mean(overlaps))

    def recall(state: str, k: int) -> float:
        return float(
            np.mean([any(o.split("/")[0] == n.split("/")[0] for o in near[:k]) for n, near in nearest[state].items()])
        )

    assert found.recall_in_use == {k: pytest.approx(recall("in use", k)) for k in (1, 2)}
    assert found.recall_other == {k: pytest.approx(recall("staged", k)) for k in (1, 2)}
    assert found.won - found.lost == pytest.approx(24 * (found.recall_other[1] - found.recall_in_use[1]))
    assert [each.overlap for each in found.most_changed] == [pytest.approx(o) for o in sorted(overlaps)[:5]]


def test_the_comparison_by_pictures(
    gallery: Path, built: Path, tiny_model: Path, larger_model: Path, other_model: Path, tmp_path: Path
) -> None:
    stage_model(gallery, larger_model)
    (tmp_path / "queries.csv").write_text(
        f"path,label,id\n{built}/photos/red/0.png,red,red/0.png\n{built}/photos/blue/1.jpg,blue,q\nnone.png,red,gone\n"
    )
    queries = items_from_csv(tmp_path / "queries.csv")
    compare: Callable[..., object] = lambda old, new: compare_models(  # noqa: E731
        gallery, pictures=queries, model_in_use=old, other_model=new, top_k=1, ks=(1,)
    )
    found = compare_models(
        gallery, pictures=queries, model_in_use=tiny_model, other_model=larger_model, top_k=1, ks=(1,)
    )
    assert (found.queries, found.labelled, [each.item_id for each in found.unreadable]) == (2, 2, ["gone"])
    by_name = {each.item_id: each for each in found.most_changed}
    assert by_name["q"].in_use == by_name["q"].other == ("blue/1.jpg",)  # a picture of the gallery under another id
    assert "red/0.png" not in by_name["red/0.png"].in_use + by_name["red/0.png"].other
    with pytest.raises(InvalidInput, match="give the file of the one in use"):
        compare(None, larger_model)
    with pytest.raises(ModelMismatch, match="the vectors staged are of"):
        compare(tiny_model, other_model)
