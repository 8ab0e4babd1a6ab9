"""A gallery is given another model while it is searched and written to: no call fails, no answer mixes two models."""

import shutil
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from smserve.engine import Engine
from smserve.errors import (
    Cancelled,
    GalleryReadOnly,
    GenerationMismatch,
    InvalidInput,
    ModelMismatch,
    ModelNotFound,
    SmserveError,
)
from smserve.filters import parse_filter
from smserve.gallery.active import read_active
from smserve.gallery.staging import gallery_models
from smserve.indexing import stage_model
from smserve.types import FieldMask, SearchRequest, UpsertItem
from smserve.types.administration import ModelState
from tests.engine.conftest import House
from tests.engine.oracle import TOP, Oracle, bring_level
from tests.support.pictures import draw, encode

WRITTEN = "written"  # label of what is written meanwhile; searches leave it out, so that their answers are known
LATEST_S = 40


class Crowd:
    """Threads that go on until they are stopped; the first error of each is kept."""

    def __init__(self, *work: Callable[[], None]) -> None:
        self.errors: list[BaseException] = []
        self.rounds = [0] * len(work)
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number, each)) for number, each in enumerate(work)]

    def __enter__(self) -> "Crowd":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(LATEST_S)
            assert not thread.is_alive()

    def wait_for_a_round(self, since: list[int]) -> None:
        """Wait until each thread has done its work once more."""
        until = time.monotonic() + LATEST_S
        while not all(now > then for now, then in zip(self.rounds, since, strict=True)):
            if self.errors:
                raise self.errors[0]
            assert time.monotonic() < until
            time.sleep(0.01)

    def _run(self, number: int, work: Callable[[], None]) -> None:
        try:
            while not self._stop.is_set():
                work()
                self.rounds[number] += 1
        except BaseException as error:  # noqa: BLE001 - the test reports it
            self.errors.append(error)


def test_searches_and_writes_go_on_while_models_change(engine: Engine, house: House, tmp_path: Path) -> None:
    oracles: Mapping[str, Oracle] = {
        embedder.fingerprint: Oracle(embedder, house.photos) for embedder in (house.old, house.new)
    }
    queries = [encode(draw(color, seed)) for color in ("red", "blue", "green") for seed in (50, 51)]
    seen: set[str] = set()
    acknowledged: dict[str, bytes] = {}
    told = threading.Lock()

    def search(number: int) -> Callable[[], None]:
        turns = iter(range(10**9))

        def once() -> None:
            picture = queries[(next(turns) + number) % len(queries)]
            result = engine.search(
                SearchRequest(image=picture, top_k=TOP, filter=parse_filter(f'label != "{WRITTEN}"'))
            )
            oracles[result.model_fingerprint].check(picture, result)
            seen.add(result.model_fingerprint)
            time.sleep(0.005)

        return once

    def write(number: int) -> Callable[[], None]:
        turns = iter(range(10**9))

        def once() -> None:
            turn = next(turns)
            path = tmp_path / f"{number}-{turn}.png"
            path.write_bytes(encode(draw("yellow", turn)))
            item = UpsertItem(item_id=path.name, image=path.read_bytes(), label=WRITTEN, source_uri=path.as_uri())
            assert engine.items.upsert("photos", [item]).item_count == 1
            with told:
                acknowledged[path.name] = path.read_bytes()
            if turn % 4 == 3:
                gone = f"{number}-{turn - 1}.png"
                assert engine.items.delete("photos", [gone]).item_count == 1
                with told:
                    del acknowledged[gone]
            time.sleep(0.8)  # a stage that is level must stay so until it is activated

        return once

    with Crowd(search(0), search(1), search(2), write(0), write(1)) as crowd:
        for target in (house.new, house.old, house.new):
            before = list(crowd.rounds)
            activate_between_writes(engine, target.fingerprint)
            crowd.wait_for_a_round(before)
    assert not crowd.errors
    assert seen == {house.old.fingerprint, house.new.fingerprint}
    model = oracles[house.new.fingerprint]
    assert engine.items.count("photos").total == 24 + len(acknowledged)
    for item_id, picture in acknowledged.items():
        item = engine.items.get("photos", item_id, FieldMask(vector=True)).item
        assert item.vector == pytest.approx(model.embed(picture), abs=1e-5)


def activate_between_writes(engine: Engine, fingerprint: str) -> None:
    """Stage and activate until no write came between the two."""
    until = time.monotonic() + LATEST_S
    while time.monotonic() < until:
        bring_level(engine, fingerprint)
        try:
            activation, origin = engine.activations.activate("photos", fingerprint)
        except GenerationMismatch:
            continue
        assert activation.model_fingerprint == origin.model_fingerprint == fingerprint
        return
    raise AssertionError("the stage was never level long enough")


def test_a_call_keeps_the_pair_that_it_began_with(engine: Engine, house: House) -> None:
    bring_level(engine, house.new.fingerprint)
    with engine.galleries.lease("photos") as served:
        engine.activations.activate("photos", house.new.fingerprint)
        query = house.old.embed(house.old.prepare(encode(draw("red")))[np.newaxis])
        assert served.model.fingerprint == house.old.fingerprint
        assert len(served.reader.search(query, 3, FieldMask()).hits[0]) == 3  # open still
        with engine.galleries.lease("photos") as later:
            assert later.model.fingerprint == house.new.fingerprint
    assert read_active(house.galleries / "photos").folder.startswith("models/")
    again = engine.activations.activate("photos", house.old.fingerprint)[0]  # needs the lock that the old pair held
    assert (again.previous_model_fingerprint, again.model_fingerprint) == (
        house.new.fingerprint,
        house.old.fingerprint,
    )
    assert engine.search(SearchRequest(item_id="red/0.png")).model_fingerprint == house.old.fingerprint


def test_what_is_acknowledged_after_a_change_is_there_after_a_restart(house: House) -> None:
    engine = house.open()
    bring_level(engine, house.new.fingerprint)
    engine.activations.activate("photos", house.new.fingerprint)
    engine.items.upsert("photos", [UpsertItem(item_id="new", image=encode(draw("red", 9)))])
    engine.close()
    engine = house.open()
    result = engine.search(SearchRequest(image=encode(draw("red", 9)), top_k=1))
    assert (result.hits[0].item_id, result.model_fingerprint) == ("new", house.new.fingerprint)
    engine.close()


def test_models_are_listed_as_they_are(engine: Engine, house: House) -> None:
    def states() -> list[tuple[ModelState, str, int, int, bool]]:
        return [
            (each.state, each.model_fingerprint, each.dimension, each.item_count, each.available)
            for each in engine.activations.list("photos")[0]
        ]

    old, new = house.old.fingerprint, house.new.fingerprint
    assert states() == [(ModelState.IN_USE, old, 8, 24, True)]
    bring_level(engine, new)
    assert states() == [(ModelState.IN_USE, old, 8, 24, True), (ModelState.STAGED, new, 12, 24, True)]
    engine.items.delete("photos", ["red/0.png"])
    assert states()[1] == (ModelState.STAGING, new, 12, 24, True)
    bring_level(engine, new)
    engine.activations.activate("photos", new)
    assert states() == [(ModelState.IN_USE, new, 12, 23, True), (ModelState.PREVIOUS, old, 8, 23, True)]


def test_what_is_refused_leaves_the_model_in_use(engine: Engine, house: House) -> None:
    old, new = house.old.fingerprint, house.new.fingerprint
    refused: list[tuple[Callable[[], object], type[SmserveError], str]] = [
        (lambda: engine.activations.activate("photos", ""), InvalidInput, "name the staged model"),
        (lambda: engine.activations.activate("photos", "f" * 64), ModelNotFound, "does not have model"),
        (lambda: engine.activations.activate("photos", new), ModelMismatch, "holds no vectors"),
        (lambda: engine.activations.activate("photos", new, expected="e" * 64), ModelMismatch, "expects model"),
    ]
    for call, kind, message in refused:
        with pytest.raises(kind, match=message):
            call()
    bring_level(engine, new)
    engine.items.delete("photos", ["red/0.png"])
    with pytest.raises(GenerationMismatch, match="run the same `smserve gallery stage` again"):
        engine.activations.activate("photos", new)
    assert engine.search(SearchRequest(item_id="red/1.jpg")).model_fingerprint == old
    bring_level(engine, new)
    assert engine.activations.activate("photos", new, expected=old)[0].previous_model_fingerprint == old
    once_more = engine.activations.activate("photos", new)[0]  # a call that is repeated
    assert once_more.model_fingerprint == once_more.previous_model_fingerprint == new
    engine.items.delete("photos", ["red/1.jpg"])
    with pytest.raises(GenerationMismatch, match="written to since"):
        engine.activations.activate("photos", old)


def test_an_error_after_the_switch_still_changes_the_model(
    engine: Engine, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring_level(engine, house.new.fingerprint)

    def fail(*_: object) -> None:
        raise OSError("no longer")

    monkeypatch.setattr("smserve.gallery.staging.activation.remove_all_but", fail)
    with pytest.raises(OSError, match="no longer"):
        engine.activations.activate("photos", house.new.fingerprint)
    assert engine.search(SearchRequest(item_id="red/0.png")).model_fingerprint == house.new.fingerprint
    assert gallery_models(house.galleries / "photos")[0].model_fingerprint == house.new.fingerprint


def test_staging_that_is_given_up_goes_on_later(engine: Engine, house: House) -> None:
    calls = 0

    def leave_early() -> None:
        nonlocal calls
        calls += 1
        if calls > 24 + 10:  # all are looked at first
            raise Cancelled("left")

    with pytest.raises(Cancelled):
        list(engine.staging.stage("photos", house.new.fingerprint, leave_early))
    kept = gallery_models(house.galleries / "photos")[1].item_count
    assert 0 < kept < 24
    *_, (last, _) = engine.staging.stage("photos", house.new.fingerprint)
    assert (last.ready, last.embedded_count) == (True, 24 - kept)


def test_pictures_that_are_gone_are_named(built: Path, house: House, tmp_path: Path) -> None:
    engine = house.open()
    path = tmp_path / "short-lived.png"
    path.write_bytes(encode(draw("red", 3)))
    item = UpsertItem(item_id="short", image=path.read_bytes(), source_uri=path.as_uri())
    engine.items.upsert("photos", [item])
    path.unlink()
    *_, (last, origin) = engine.staging.stage("photos", house.new.fingerprint)
    assert (last.ready, last.refused_count) == (False, 1)
    assert (last.refused[0].item_id, last.refused[0].source_uri) == ("short", path.as_uri())
    assert origin.model_fingerprint == house.new.fingerprint
    engine.close()


def test_a_gallery_that_is_only_read_is_not_changed(house: House) -> None:
    stage_model(house.galleries / "photos", house.models / "new.onnx")
    engine = house.open(writable=False)
    with pytest.raises(GalleryReadOnly):
        engine.activations.activate("photos", house.new.fingerprint)
    with pytest.raises(GalleryReadOnly):
        next(engine.staging.stage("photos", house.new.fingerprint))
    assert [each.state for each in engine.activations.list("photos")[0]] == [ModelState.IN_USE, ModelState.STAGED]
    engine.close()


def test_a_model_that_comes_later_is_found(house: House, tmp_path: Path) -> None:
    models = tmp_path / "models"
    models.mkdir()
    shutil.copy(house.models / "old.onnx", models)
    (models / "broken.onnx").write_bytes(b"no model")
    later = House(photos=house.photos, galleries=house.galleries, models=models, old=house.old, new=house.new)
    engine = later.open()
    with pytest.raises(ModelNotFound, match=f"put its file into {models}"):
        next(engine.staging.stage("photos", house.new.fingerprint))
    shutil.copy(house.models / "new.onnx", models)
    bring_level(engine, house.new.fingerprint)
    engine.close()
