"""Items by picture and by vector, into a gallery on disk, through the engine."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from smserve.embedder import Embedder
from smserve.engine import Engine
from smserve.errors import (
    Cancelled,
    GalleryFixed,
    GalleryNotFound,
    GalleryReadOnly,
    GenerationMismatch,
    InvalidImage,
    InvalidInput,
    InvalidVector,
    RequestIdReused,
)
from smserve.filters import parse_filter
from smserve.gallery import LiveGallery, LocalGallery
from smserve.types import FieldMask, ItemFailure, SearchRequest, UpsertItem
from tests.support.memory_gallery import MemoryGallery
from tests.support.pictures import draw, encode

COLORS = ("red", "green", "blue")


@pytest.fixture(scope="module")
def embedder(tiny_model: Path) -> Embedder:
    return Embedder(tiny_model)


@pytest.fixture
def engine(embedder: Embedder, tmp_path: Path) -> Iterator[Engine]:
    """An empty gallery `g` to write to, and `fixed`, served for reading."""
    path = tmp_path / "g"
    LiveGallery.create(path, model_fingerprint=embedder.fingerprint, dimension=embedder.dimension)
    fixed = MemoryGallery([], model_fingerprint=embedder.fingerprint, dimension=embedder.dimension)
    engine = Engine(embedder, {"g": LiveGallery.open(path), "fixed": fixed})
    yield engine
    engine.close()


def pictures() -> list[UpsertItem]:
    return [
        UpsertItem(item_id=f"{color}.png", image=encode(draw(color)), label=color, payload={"n": number})
        for number, color in enumerate(COLORS)
    ]


def test_pictures_are_found_by_themselves(engine: Engine, embedder: Embedder, tmp_path: Path) -> None:
    result = engine.items.upsert("", pictures(), request_id="r")
    assert (result.sequence, result.item_count, result.repeated) == (1, 3, False)
    assert (result.gallery, result.generation, result.model_fingerprint) == ("g", 1, embedder.fingerprint)
    for color in COLORS:
        (hit,) = engine.search(SearchRequest(image=encode(draw(color)), top_k=1)).hits
        assert (hit.item_id, hit.label, dict(hit.payload)) == (f"{color}.png", color, {"n": COLORS.index(color)})
        assert hit.score == pytest.approx(1, abs=1e-5)
    item = engine.items.get("g", "red.png", FieldMask(thumbnail=True)).item
    assert item.thumbnail is not None
    assert item.thumbnail.startswith(b"\xff\xd8")
    assert engine.items.upsert("g", pictures(), request_id="r").repeated
    with pytest.raises(RequestIdReused):
        engine.items.upsert("g", pictures()[:1], request_id="r")
    outside = LocalGallery.open(tmp_path / "g", model_fingerprint=embedder.fingerprint)
    assert outside.info().item_count == 3
    outside.close()


def test_vectors_are_scaled(engine: Engine, embedder: Embedder) -> None:
    axes = 3 * np.eye(embedder.dimension, dtype=np.float32)
    engine.items.upsert("g", [*pictures(), *(UpsertItem(item_id=f"e{n}", vector=axis) for n, axis in enumerate(axes))])
    (hit,) = engine.search(SearchRequest(vector=axes[2], top_k=1)).hits
    assert hit.item_id == "e2"
    assert hit.score == pytest.approx(1)
    assert engine.list_galleries()[0].item_count == 3 + len(axes)


def test_deletions(engine: Engine) -> None:
    engine.items.upsert("g", pictures())
    deleted = engine.items.delete("g", ["red.png", "nothing"], request_id="d")
    assert (deleted.item_count, deleted.sequence) == (1, 2)
    assert engine.items.delete("g", ["red.png", "nothing"], request_id="d").repeated
    assert engine.items.delete("g", filter=parse_filter('n >= 2 or label = "x"')).item_count == 1
    assert [hit.item_id for hit in engine.search(SearchRequest(image=encode(draw("red")))).hits] == ["green.png"]


def test_generations(engine: Engine) -> None:
    engine.items.upsert("g", pictures())
    made, origin = engine.generations.compact("g")
    assert (made.number, origin.generation) == (2, 2)
    listed, origin = engine.generations.list("g")
    assert ([each.number for each in listed], origin.generation) == ([2, 1], 2)
    with pytest.raises(GenerationMismatch):
        engine.generations.roll_back("g", expected=1)
    gone_to, origin = engine.generations.roll_back("g", expected=2)
    assert (gone_to.number, origin.generation) == (1, 1)
    result = engine.search(SearchRequest(image=encode(draw("red"))))
    assert (result.generation, result.hits[0].item_id) == (1, "red.png")


def test_one_bad_item_stores_none(engine: Engine, embedder: Embedder) -> None:
    good = pictures()
    vector = np.ones(embedder.dimension, np.float32)
    for bad, kind, field in (
        (UpsertItem(item_id="x", image=b"no picture"), InvalidImage, "items[3].image"),
        (UpsertItem(item_id="x", vector=vector[:3]), InvalidVector, "items[3].vector"),
        (UpsertItem(item_id="x", vector=vector * np.float32("nan")), InvalidVector, "items[3].vector"),
        (UpsertItem(item_id="", vector=vector), InvalidInput, "items[3].item_id"),
        (UpsertItem(item_id="x"), InvalidInput, "items[3]"),
        (UpsertItem(item_id="x", vector=vector, image=good[0].image), InvalidInput, "items[3]"),
        (UpsertItem(item_id="x", vector=vector, payload={"a": object()}), InvalidInput, "payload"),
    ):
        with pytest.raises(kind) as caught:
            engine.items.upsert("g", [*good, bad])
        assert caught.value.field == field
    for number in (0, 65):
        with pytest.raises(InvalidInput, match=f"{number} items"):
            engine.items.upsert("g", good[:1] * number)
    assert engine.list_galleries()[0].item_count == 0


def test_of_a_partial_write_the_good_items_are_stored_and_the_others_named(engine: Engine, embedder: Embedder) -> None:
    good = pictures()
    vector = np.ones(embedder.dimension, np.float32)
    unread = InvalidInput("the payload is no JSON", field="items[6].payload")
    items: list[UpsertItem | ItemFailure] = [
        good[0],
        UpsertItem(item_id="no picture", image=b"no picture"),
        UpsertItem(item_id="short", vector=vector[:3]),
        UpsertItem(item_id="", vector=vector),
        good[1],
        UpsertItem(item_id="not json", vector=vector, payload={"a": float("nan")}),
        ItemFailure(index=6, item_id="unread", error=unread),
        UpsertItem(item_id="a vector", vector=vector),
    ]
    written = engine.items.upsert("g", items, partial=True, request_id="r")
    assert (written.sequence, written.item_count, written.repeated) == (1, 3, False)
    fields = [getattr(each.error, "field", None) for each in written.failures]
    named = [(each.index, each.item_id, type(each.error)) for each in written.failures]
    assert [(*name, field) for name, field in zip(named, fields, strict=True)] == [
        (1, "no picture", InvalidImage, "items[1].image"),
        (2, "short", InvalidVector, "items[2].vector"),
        (3, "", InvalidInput, "items[3].item_id"),
        (5, "not json", InvalidInput, "items[5].payload"),
        (6, "unread", InvalidInput, "items[6].payload"),
    ]
    assert engine.items.count("g").total == 3
    (hit,) = engine.search(SearchRequest(image=good[1].image, top_k=1)).hits
    assert hit.item_id == "green.png"
    assert hit.score == pytest.approx(1, abs=1e-5)
    again = engine.items.upsert("g", items, partial=True, request_id="r")
    assert (again.repeated, again.item_count, len(again.failures)) == (True, 3, 5)
    none = engine.items.upsert("g", items[1:4], partial=True)
    assert (none.sequence, none.item_count, len(none.failures)) == (0, 0, 3)
    with pytest.raises(InvalidInput, match="0 items"):
        engine.items.upsert("g", [], partial=True)


def test_a_deletion_says_what_in_one_way(engine: Engine) -> None:
    with pytest.raises(InvalidInput, match="neither item_ids nor filter"):
        engine.items.delete("g")
    with pytest.raises(InvalidInput, match="both item_ids and filter"):
        engine.items.delete("g", ["a"], filter=parse_filter("n = 1"))


def test_a_gallery_for_reading_is_not_written_to(engine: Engine) -> None:
    for call in (
        lambda: engine.items.upsert("fixed", pictures()),
        lambda: engine.items.delete("fixed", ["a"]),
        lambda: engine.generations.compact("fixed"),
        lambda: engine.generations.roll_back("fixed"),
    ):
        with pytest.raises(GalleryReadOnly, match="'fixed' is served for reading only"):
            call()
    with pytest.raises(GalleryFixed, match="'fixed' keeps no generations"):
        engine.generations.list("fixed")
    with pytest.raises(GalleryNotFound):
        engine.items.upsert("other", pictures())


def test_a_caller_who_left_has_nothing_stored(engine: Engine) -> None:
    def gone() -> None:
        raise Cancelled("gone")

    with pytest.raises(Cancelled):
        engine.items.upsert("g", pictures(), still_wanted=gone)
    assert engine.list_galleries()[0].item_count == 0
