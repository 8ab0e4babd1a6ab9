"""Galleries made, dropped and given further names while others are searched; all of it there after a restart."""

import json
import math
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from smserve.embedder import Embedder
from smserve.engine import Engine
from smserve.errors import (
    DeadlineExceeded,
    GalleryChanged,
    GalleryDamaged,
    GalleryExists,
    GalleryFixed,
    GalleryLocked,
    GalleryNotFound,
    GalleryReadOnly,
    InvalidInput,
    ModelMismatch,
    ModelNotFound,
    SmserveError,
)
from smserve.model_file import Calibration
from smserve.server import open_engine
from smserve.types import SearchRequest, UpsertItem
from tests.engine.conftest import House
from tests.support.pictures import draw, encode
from tests.support.tiny_model import write_tiny_model

RED = UpsertItem(item_id="red", image=encode(draw("red")))


def names(engine: Engine) -> list[str]:
    return [info.name for info in engine.list_galleries()]


def test_a_gallery_is_made_written_to_and_there_after_a_restart(house: House) -> None:
    engine = house.open()
    info, origin = engine.naming.create("fresh-1.0", house.new.fingerprint)
    assert (info.name, info.item_count, info.dimension, info.model_name, info.writable) == (
        "fresh-1.0",
        0,
        12,
        house.new.manifest.name,
        True,
    )
    assert (origin.gallery, origin.model_fingerprint) == ("fresh-1.0", house.new.fingerprint)
    engine.items.upsert("fresh-1.0", [RED])
    engine.close()
    engine = house.open()
    assert names(engine) == ["fresh-1.0", "photos"]
    result = engine.search(SearchRequest(gallery="fresh-1.0", image=RED.image))
    assert [(hit.item_id, result.model_fingerprint) for hit in result.hits] == [("red", house.new.fingerprint)]
    engine.close()


def test_the_first_gallery_made_is_the_default_of_a_server_that_began_with_none(house: House, tmp_path: Path) -> None:
    engine = open_engine(house.models / "old.onnx", [], folder=tmp_path / "empty", writable=True)
    with pytest.raises(GalleryNotFound, match="serves no gallery"):
        engine.items.count("")
    engine.naming.create("a")
    engine.naming.create("b")
    engine.items.upsert("", [RED])
    assert [(info.name, info.item_count) for info in engine.list_galleries()] == [("a", 1), ("b", 0)]
    engine.naming.drop("a")
    with pytest.raises(GalleryNotFound, match="no gallery 'a'"):  # not silently another one
        engine.items.count("")
    engine.close()


@pytest.mark.parametrize("name", ["", ".hidden", "-x", "a/b", "..", "a b", "ä", "x" * 65, "x\n"])
def test_names_that_are_none(engine: Engine, name: str) -> None:
    with pytest.raises(InvalidInput, match="wanted 1 to 64 letters") as caught:
        engine.naming.create(name)
    assert caught.value.field == "gallery"
    with pytest.raises(InvalidInput) as caught:
        engine.naming.set_alias(name, "photos")
    assert caught.value.field == "alias"


def test_dropping_waits_for_calls_that_have_begun_and_leaves_nothing(engine: Engine, house: House) -> None:
    engine.naming.create("gone")
    engine.naming.set_alias("also-gone", "gone")
    engine.items.upsert("gone", [RED])
    dropped: list[int] = []
    with engine.galleries.lease("gone") as served:
        dropping = threading.Thread(target=lambda: dropped.append(engine.naming.drop("gone")[0].item_count))
        dropping.start()
        dropping.join(0.3)
        assert dropping.is_alive()
        for name in ("gone", "also-gone"):
            with pytest.raises(GalleryNotFound):
                engine.items.count(name)
        with pytest.raises(GalleryExists, match="is being dropped"):
            engine.naming.create("gone")
        assert served.reader.info().item_count == 1  # open still
    dropping.join(20)
    assert dropped == [1]
    assert [entry.name for entry in house.galleries.iterdir() if entry.is_dir()] == ["photos"]
    engine.naming.create("gone")
    assert engine.items.count("gone").total == 0
    assert engine.list_galleries()[1].aliases == ()


def test_what_a_crash_left_is_removed_at_the_start(house: House) -> None:
    house.open().close()
    (house.galleries / ".new-half").mkdir()
    (house.galleries / "photos").rename(house.galleries / ".dropped-photos-0")
    (house.galleries / "notes").mkdir()  # no gallery: left alone
    engine = house.open()
    assert names(engine) == []
    assert sorted(entry.name for entry in house.galleries.iterdir() if entry.is_dir()) == ["notes"]
    with pytest.raises(GalleryExists, match="is there already and not served"):
        engine.naming.create("notes")
    engine.close()


def test_an_alias_leads_to_a_gallery_and_then_to_another(house: House) -> None:
    engine = house.open()
    engine.naming.create("v2")
    assert engine.naming.set_alias("live", "photos", expected="")[0].previous_gallery == ""
    assert engine.items.count("live").gallery == "photos"  # an answer names the gallery itself
    change, origin = engine.naming.set_alias("live", "v2", expected="photos")
    assert (change.previous_gallery, change.gallery, origin.gallery) == ("photos", "v2", "v2")
    engine.items.upsert("live", [RED])
    engine.naming.set_alias("second", "live")  # an alias of an alias is one of the gallery
    assert engine.galleries.info("second")[0].aliases == ("live", "second")
    engine.close()
    engine = house.open()
    assert engine.items.count("live").gallery == engine.items.count("second").gallery == "v2"
    assert engine.naming.delete_alias("second")[0].previous_gallery == "v2"
    with pytest.raises(GalleryNotFound):
        engine.items.count("second")
    engine.close()


def test_what_is_refused_changes_nothing(engine: Engine, house: House) -> None:
    engine.naming.create("v2")
    engine.naming.set_alias("live", "photos")
    before = (house.galleries / "aliases.json").read_bytes()
    refused: list[tuple[Callable[[], object], type[SmserveError], str]] = [
        (lambda: engine.naming.create("photos"), GalleryExists, "is served here"),
        (lambda: engine.naming.create("live"), GalleryExists, "is an alias of gallery 'photos'"),
        (lambda: engine.naming.create("x", "f" * 64), ModelNotFound, "does not have model"),
        (lambda: engine.naming.drop(""), InvalidInput, "is empty"),
        (lambda: engine.naming.drop("live"), InvalidInput, "is an alias"),
        (lambda: engine.naming.drop("nowhere"), GalleryNotFound, "nowhere"),
        (lambda: engine.naming.drop("photos", expected_item_count=23), GalleryChanged, "holds 24 items, not 23"),
        (lambda: engine.naming.set_alias("v2", "photos"), GalleryExists, "is served here"),
        (lambda: engine.naming.set_alias("x", "nowhere"), GalleryNotFound, "nowhere"),
        (lambda: engine.naming.set_alias("x", ""), InvalidInput, "is empty"),
        (
            lambda: engine.naming.set_alias("live", "v2", expected="v2"),
            GalleryChanged,
            "leads to 'photos', not to 'v2'",
        ),
        (lambda: engine.naming.set_alias("live", "v2", expected=""), GalleryChanged, "not to no gallery"),
        (lambda: engine.naming.set_alias("x", "v2", expected="v2"), GalleryChanged, "leads to no gallery"),
        (lambda: engine.naming.delete_alias("photos"), GalleryNotFound, "no alias 'photos'"),
    ]
    for call, kind, message in refused:
        with pytest.raises(kind, match=message):
            call()
    assert names(engine) == ["photos", "v2"]
    assert (house.galleries / "aliases.json").read_bytes() == before
    assert engine.items.count("live").total == 24


def test_a_drop_that_is_given_up_while_a_write_runs_drops_nothing(engine: Engine) -> None:
    def late() -> None:
        raise DeadlineExceeded("late")

    with engine.galleries.writing("photos"), pytest.raises(DeadlineExceeded):
        engine.naming.drop("photos", still_wanted=late)
    engine.items.upsert("photos", [RED])
    assert engine.items.count("photos").total == 25


def test_galleries_given_at_the_start_stay(house: House, tmp_path: Path) -> None:
    fixed = [("fixed", house.galleries / "photos")]
    engine = open_engine(house.models / "old.onnx", fixed, writable=True)
    for call in (lambda: engine.naming.create("x"), lambda: engine.naming.drop("fixed")):
        with pytest.raises(GalleryFixed, match="--galleries"):
            call()
    engine.close()
    engine = open_engine(house.models / "old.onnx", fixed, folder=tmp_path / "more", writable=True)
    with pytest.raises(GalleryFixed, match="was given to the server at its start"):
        engine.naming.drop("fixed")
    engine.naming.set_alias("live", "fixed")
    engine.close()
    other = [("other", house.galleries / "photos")]
    engine = open_engine(house.models / "old.onnx", other, folder=tmp_path / "more", writable=True)
    with pytest.raises(GalleryNotFound, match="no gallery 'fixed'"):
        engine.items.count("live")
    assert engine.naming.delete_alias("live")[0].previous_gallery == "fixed"
    engine.close()


def test_starts_that_are_refused(house: House, tmp_path: Path) -> None:
    engine = house.open()
    with pytest.raises(GalleryLocked):  # two servers on one folder
        house.open()
    engine.naming.set_alias("live", "photos")
    engine.close()
    model = house.models / "old.onnx"
    with pytest.raises(InvalidInput, match="two galleries are named 'photos'"):
        open_engine(model, [("photos", tmp_path)], folder=house.galleries)
    with pytest.raises(InvalidInput, match="'live' is a gallery, and an alias"):
        open_engine(model, [("live", tmp_path)], folder=house.galleries)
    with pytest.raises(InvalidInput, match="is no folder"):
        open_engine(model, [], models=model)
    with pytest.raises(SmserveError, match="can't be used"):
        open_engine(model, [], folder=tmp_path / "missing", writable=False)
    path = house.galleries / "aliases.json"
    sound = path.read_bytes()
    for damaged in (b"", b"[]", b'{"aliases": {}}', sound.replace(b"photos", b"photo5"), sound[:-3]):
        path.write_bytes(damaged)
        with pytest.raises(GalleryDamaged, match=r"aliases\.json can't be read"):
            house.open()
    document = json.loads(sound)
    assert document["aliases"] == {"live": "photos"}
    path.write_bytes(sound)
    house.open().close()


def test_a_folder_that_is_only_read(house: House) -> None:
    engine = house.open()
    engine.naming.set_alias("live", "photos")
    engine.close()
    engine = house.open(writable=False)
    assert not engine.list_galleries()[0].writable
    assert engine.items.count("live").total == 24
    for call in (
        lambda: engine.naming.create("x"),
        lambda: engine.naming.set_alias("x", "photos"),
        lambda: engine.naming.delete_alias("live"),
        lambda: engine.naming.drop("photos"),
    ):
        with pytest.raises(GalleryReadOnly):
            call()
    engine.close()


def test_a_served_gallery_is_verified(engine: Engine, house: House) -> None:
    found, origin = engine.verifications.verify("photos")
    assert (found.findings, found.item_count, found.generations, origin.gallery) == ((), 24, (1,), "photos")
    vectors = next((house.galleries / "photos" / "generations").glob("*/vectors.f32"))
    data = bytearray(vectors.read_bytes())
    data[10] ^= 1
    vectors.write_bytes(data)
    found, _ = engine.verifications.verify("photos")
    assert [finding.place for finding in found.findings] == ["generations/000001"]
    assert "answers stay right" in found.findings[0].effect


def test_each_gallery_embeds_and_compares_with_its_own_model(engine: Engine, house: House) -> None:
    engine.naming.create("twelve", house.new.fingerprint)
    red, blue = encode(draw("red")), encode(draw("blue"))
    models: dict[str, Embedder] = {"": house.old, "twelve": house.new}
    for gallery, model in models.items():
        one, other = model.embed(np.stack([model.prepare(red), model.prepare(blue)]))
        outcome = engine.embed([red], gallery=gallery, expected_model_fingerprint=model.fingerprint)[0]
        assert outcome.vector == pytest.approx(one, abs=1e-5)
        assert outcome.model_fingerprint == model.fingerprint
        compared = engine.compare(red, blue, gallery=gallery)
        assert compared.score == pytest.approx(float(one @ other), abs=1e-5)
        assert compared.model_fingerprint == model.fingerprint
        assert compared.probability is None
        with pytest.raises(ModelMismatch, match="expects model"):
            engine.compare(red, blue, gallery=gallery, expected_model_fingerprint="e" * 64)
        with pytest.raises(ModelMismatch, match="expects model"):
            engine.embed([red], gallery=gallery, expected_model_fingerprint="e" * 64)


def test_a_calibrated_model_says_how_probable_one_class_is(tmp_path: Path) -> None:
    calibration = Calibration(
        slope=10.0, intercept=-6.0, fitted_on="drawn", neighbours=1, pairs=9, same_class_share=0.5, error=0.0
    )
    path = write_tiny_model(tmp_path / "calibrated.onnx", calibration=calibration)
    engine = open_engine(path, [], folder=tmp_path / "galleries", writable=True)
    engine.naming.create("g")
    engine.items.upsert("g", [RED])
    compared = engine.compare(encode(draw("red")), encode(draw("blue")))
    assert compared.probability == pytest.approx(1 / (1 + math.exp(-(10 * compared.score - 6))))
    (hit,) = engine.search(SearchRequest(image=encode(draw("orange")))).hits
    assert hit.probability == pytest.approx(1 / (1 + math.exp(-(10 * hit.score - 6))))
    engine.close()
