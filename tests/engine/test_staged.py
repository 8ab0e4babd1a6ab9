"""The staged model of a gallery answers beside the one in use: its own vectors, pins and generations."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from smserve.embedder import Embedder
from smserve.engine import Engine
from smserve.engine.staged import StagedGalleries
from smserve.errors import (
    Cancelled,
    GalleryFixed,
    GalleryNotFound,
    GenerationMismatch,
    InvalidVector,
    ItemNotFound,
    ModelMismatch,
    ModelNotFound,
    SmserveError,
)
from smserve.filters import parse_filter
from smserve.gallery.staging import discard
from smserve.indexing import stage_model
from smserve.server import open_engine
from smserve.types import FieldMask, SearchRequest, UpsertItem
from tests.engine.conftest import House
from tests.engine.oracle import TOP, Oracle, bring_level
from tests.support.memory_gallery import MemoryGallery
from tests.support.pictures import draw, encode

PHOTO = encode(draw("red", 50))


def staged(**asked: object) -> SearchRequest:
    return SearchRequest(top_k=TOP, staged=True, **asked)  # type: ignore[arg-type]  # fields of the request


def test_both_models_answer_at_the_same_time_each_for_itself(engine: Engine, house: House) -> None:
    bring_level(engine, house.new.fingerprint)
    for embedder, request in (
        (house.old, SearchRequest(image=PHOTO, top_k=TOP)),
        (house.new, staged(image=PHOTO)),
    ):
        result = engine.search(request)
        assert (result.model_fingerprint, result.gallery) == (embedder.fingerprint, "photos")
        Oracle(embedder, house.photos).check(PHOTO, result)


def test_every_kind_of_query_is_of_the_staged_model(engine: Engine, house: House) -> None:
    bring_level(engine, house.new.fingerprint)
    wanted = [hit.item_id for hit in engine.search(staged(image=PHOTO)).hits]
    (embedding,) = engine.embed([PHOTO], gallery="photos", staged=True)
    assert embedding.model_fingerprint == house.new.fingerprint
    assert embedding.vector is not None
    assert [hit.item_id for hit in engine.search(staged(vector=embedding.vector)).hits] == wanted
    with pytest.raises(InvalidVector, match="the vector has D=8, the model has D=12"):
        engine.search(staged(vector=np.ones(8, np.float32)))
    own = (house.photos / "red" / "0.png").read_bytes()
    by_picture = engine.search(SearchRequest(image=own, top_k=TOP + 1, staged=True))
    by_item = engine.search(staged(item_id="red/0.png"))
    assert [hit.item_id for hit in by_item.hits] == [
        hit.item_id for hit in by_picture.hits if hit.item_id != "red/0.png"
    ]
    comparison = engine.compare(PHOTO, own, gallery="photos", staged=True)
    oracle = Oracle(house.new, house.photos)
    assert comparison.model_fingerprint == house.new.fingerprint
    assert comparison.score == pytest.approx(float(oracle.embed(PHOTO) @ oracle.embed(own)), abs=1e-5)


def test_filters_parts_and_pins_hold_for_it(engine: Engine, house: House) -> None:
    bring_level(engine, house.new.fingerprint)
    found = engine.search(
        staged(
            image=PHOTO,
            filter=parse_filter('id != "red/0.png"'),
            fields=FieldMask(vector=True, thumbnail=True),
            expected_model_fingerprint=house.new.fingerprint,
        )
    )
    assert "red/0.png" not in {hit.item_id for hit in found.hits}
    assert all(hit.vector is not None and hit.vector.shape == (12,) and hit.thumbnail for hit in found.hits)
    with pytest.raises(ModelMismatch, match=house.new.fingerprint):
        engine.search(staged(image=PHOTO, expected_model_fingerprint=house.old.fingerprint))
    with pytest.raises(GenerationMismatch, match="at generation 1, the caller wants 2"):
        engine.search(staged(image=PHOTO, min_generation=2))


def test_a_batch_asks_both(engine: Engine, house: House) -> None:
    bring_level(engine, house.new.fingerprint)
    requests = [SearchRequest(image=PHOTO, top_k=TOP), staged(image=PHOTO), staged(item_id="nobody")]
    in_use, other, nobody = engine.batch_search(requests)
    for outcome, request in ((in_use, requests[0]), (other, requests[1])):
        assert outcome.result is not None
        one = engine.search(request)
        assert [hit.item_id for hit in outcome.result.hits] == [hit.item_id for hit in one.hits]
        assert [hit.score for hit in outcome.result.hits] == pytest.approx([hit.score for hit in one.hits], abs=1e-6)
        assert outcome.result.model_fingerprint == one.model_fingerprint
    assert isinstance(nobody.error, ItemNotFound)


def test_what_can_not_be_asked_is_told(engine: Engine, house: House, tmp_path: Path) -> None:
    calls: list[Callable[[], object]] = [
        lambda: engine.search(staged(image=PHOTO)),
        lambda: engine.embed([PHOTO], staged=True),
        lambda: engine.compare(PHOTO, PHOTO, staged=True),
    ]

    def refused(kind: type[SmserveError], message: str) -> None:
        for call in calls:
            with pytest.raises(kind, match=message):
                call()

    refused(GenerationMismatch, "gallery 'photos' has no model staged beside the one in use; stage one first")
    leave_early(engine, house)
    refused(GenerationMismatch, f"{house.new.fingerprint}, was never complete; stage it again")
    bring_level(engine, house.new.fingerprint)
    assert engine.search(staged(image=PHOTO)).hits
    with pytest.raises(GalleryNotFound):
        engine.search(staged(image=PHOTO, gallery="nobody"))
    engine.activations.activate("photos", house.new.fingerprint)
    refused(GenerationMismatch, "has no model staged")  # what was staged is in use


def leave_early(engine: Engine, house: House) -> None:
    calls = 0

    def give_up() -> None:
        nonlocal calls
        calls += 1
        if calls > 24 + 10:  # all are looked at first
            raise Cancelled("left")

    with pytest.raises(Cancelled):
        list(engine.staging.stage("photos", house.new.fingerprint, give_up))


def test_a_model_that_the_server_does_not_have(house: House, tmp_path: Path) -> None:
    stage_model(house.galleries / "photos", house.models / "new.onnx")
    engine = open_engine(house.models / "old.onnx", [("photos", house.galleries / "photos")])
    with pytest.raises(ModelNotFound, match=house.new.fingerprint):
        engine.search(staged(image=PHOTO))
    engine.close()


def test_a_gallery_in_no_folder(tiny_model: Path) -> None:
    embedder = Embedder(tiny_model)
    engine = Engine(embedder, {"g": MemoryGallery([], model_fingerprint=embedder.fingerprint, dimension=8)})
    with pytest.raises(GalleryFixed, match="lies in no folder"):
        engine.search(staged(image=PHOTO))
    engine.close()


def test_it_is_as_it_was_staged_and_follows_when_it_is_staged_again(
    engine: Engine, house: House, tmp_path: Path
) -> None:
    bring_level(engine, house.new.fingerprint)
    assert engine.search(staged(image=PHOTO)).hits
    path = tmp_path / "new.png"
    path.write_bytes(PHOTO)
    engine.items.upsert("photos", [UpsertItem(item_id="new", image=PHOTO, source_uri=path.as_uri())])
    engine.items.delete("photos", ["red/0.png"])
    assert engine.search(SearchRequest(image=PHOTO, top_k=1)).hits[0].item_id == "new"
    assert "new" not in {hit.item_id for hit in engine.search(staged(image=PHOTO)).hits}
    assert engine.search(staged(item_id="red/0.png")).hits, "deleted since it was staged"
    bring_level(engine, house.new.fingerprint)
    assert engine.search(staged(image=PHOTO)).hits[0].item_id == "new"
    with pytest.raises(ItemNotFound):
        engine.search(staged(item_id="red/0.png"))


def test_what_is_discarded_and_staged_anew_is_another(engine: Engine, house: House) -> None:
    for _ in range(3):
        bring_level(engine, house.new.fingerprint)
        assert engine.search(staged(image=PHOTO)).hits
        discard(house.galleries / "photos")
        with pytest.raises(GenerationMismatch, match="has no model staged"):
            engine.search(staged(image=PHOTO))
        engine.items.delete("photos", [engine.search(SearchRequest(image=PHOTO, top_k=1)).hits[0].item_id])
    assert len(engine.search(SearchRequest(image=PHOTO, top_k=30)).hits) == 21
    bring_level(engine, house.new.fingerprint)
    assert len(engine.search(SearchRequest(image=PHOTO, top_k=30, staged=True)).hits) == 21


def test_one_that_nobody_asks_is_closed(engine: Engine, house: House) -> None:
    bring_level(engine, house.new.fingerprint)
    asked = StagedGalleries(engine.galleries, engine.models, idle_s=0.1)
    with asked.lease("photos") as first:
        time.sleep(0.5)
        assert asked.is_open("photos"), "it is in use"
        with asked.lease("photos") as second:
            assert second is first
        assert first.reader.info().item_count == 24
    wait_until(lambda: not asked.is_open("photos"))
    with pytest.raises(SmserveError, match="is closed"):
        first.reader.count()
    with asked.lease("photos") as again:
        assert again is not first
        assert again.reader.count().total == 24
    asked.close()
    asked.close()


def test_it_is_searched_while_it_becomes_the_one_in_use(engine: Engine, house: House) -> None:
    bring_level(engine, house.new.fingerprint)
    oracle = Oracle(house.new, house.photos)
    with engine.staged.lease("photos") as served:
        engine.activations.activate("photos", house.new.fingerprint)
        assert served.reader.count().total == 24
    oracle.check(PHOTO, engine.search(SearchRequest(image=PHOTO, top_k=TOP)))
    bring_level(engine, house.old.fingerprint)  # the model before is most of a stage
    result = engine.search(staged(image=PHOTO))
    assert result.model_fingerprint == house.old.fingerprint
    Oracle(house.old, house.photos).check(PHOTO, result)


def test_many_ask_at_once_and_it_is_opened_once(engine: Engine, house: House) -> None:
    bring_level(engine, house.new.fingerprint)
    seen: list[object] = []
    start = threading.Barrier(8)

    def ask() -> None:
        start.wait()
        with engine.staged.lease("photos") as served:
            seen.append(served)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(seen) == 8
    assert len({id(each) for each in seen}) == 1


def wait_until(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not true():
        assert time.monotonic() < until
        time.sleep(0.01)
