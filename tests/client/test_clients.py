"""Both clients, each call, against a real server."""

import asyncio
import inspect
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from smserve.client import AsyncClient, Client, ItemId
from smserve.errors import (
    AlreadyExists,
    GalleryNotFound,
    GenerationMismatch,
    InvalidImage,
    InvalidInput,
    ItemNotFound,
    Mismatch,
    ModelMismatch,
    NotFound,
    SmserveError,
    Unavailable,
)
from smserve.model_file import fingerprint
from smserve.server import Server
from smserve.types import FieldMask, SearchRequest, UpsertItem
from tests.support.pictures import draw, encode


def public(kind: type) -> dict[str, Any]:
    return {name: method for name, method in inspect.getmembers(kind, callable) if not name.startswith("_")}


def test_both_clients_have_the_same_methods_with_the_same_arguments() -> None:
    sync, asynchronous = public(Client), public(AsyncClient)
    assert sync.keys() == asynchronous.keys()
    for name, method in sync.items():
        here, there = inspect.signature(method), inspect.signature(asynchronous[name])
        assert list(here.parameters) == list(there.parameters), name
        for parameter in here.parameters.values():
            other = there.parameters[parameter.name]
            assert (parameter.kind, parameter.default) == (other.kind, other.default), f"{name}: {parameter.name}"


def unit(*numbers: float) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    return np.pad(np.array(numbers, np.float32), (0, 8 - len(numbers)))


def test_search_and_its_settings(client: Any, pictures: Path) -> None:
    red = next(iter(sorted((pictures / "red").iterdir())))
    found = client.search(red, top_k=24)
    assert found.hits[0].label == "red"
    assert (found.gallery, found.exhausted, len(found.hits)) == ("drawn", True, 24)
    assert not client.search(red, top_k=3).exhausted
    assert client.search(red, min_generation=found.generation).hits
    with pytest.raises(GenerationMismatch):
        client.search(red, min_generation=found.generation + 1)
    with pytest.raises(ModelMismatch):
        client.search(red, expected_model_fingerprint="0" * 64)
    assert client.search(red, expected_model_fingerprint=found.model_fingerprint).hits


def test_payload_keys(client: Any) -> None:
    client.upsert([UpsertItem(item_id="p", vector=unit(1), payload={"a": 1, "b": 2})])
    assert client.search(unit(1), top_k=1, payload_keys=["b", "none"]).hits[0].payload == {"b": 2}
    assert client.get_item("p", payload_keys=["a"]).item.payload == {"a": 1}
    (item,) = (item for item in client.items(payload_keys=["a"]) if item.item_id == "p")
    assert item.payload == {"a": 1}


def test_batch_search_gives_each_query_its_own_outcome(client: Any, pictures: Path) -> None:
    paths = sorted(pictures.rglob("*.png"))
    known = client.search(paths[0], top_k=1).hits[0].item_id
    queries = [paths[0], "no-such-file.png", ItemId(known), unit(1), ItemId("nobody"), b"no picture"]
    outcomes = client.batch_search(queries, top_k=2)
    assert [outcome.sequence for outcome in outcomes] == list(range(6))
    assert [type(outcome.error) for outcome in outcomes] == [
        type(None),
        InvalidImage,
        type(None),
        type(None),
        ItemNotFound,
        InvalidImage,
    ]
    for query, outcome in ((paths[0], outcomes[0]), (unit(1), outcomes[3])):
        assert [hit.item_id for hit in outcome.result.hits] == [
            hit.item_id for hit in client.search(query, top_k=2).hits
        ]
    own = SearchRequest(vector=unit(1), top_k=1, fields=FieldMask(payload=False, vector=True))
    (outcome,) = client.batch_search([own], top_k=5)
    assert len(outcome.result.hits) == 1
    assert outcome.result.hits[0].vector is not None


def test_more_queries_than_one_call_takes(client: Any) -> None:
    most = client.info().max_queries
    assert most > 1
    outcomes = client.batch_search([unit(1, number) for number in range(most + 3)], top_k=1)
    assert len(outcomes) == most + 3
    assert all(outcome.result.hits for outcome in outcomes)


def test_answers_that_do_not_fit_into_one_message_are_asked_for_in_parts(client: Any) -> None:
    client.upsert([UpsertItem(item_id=f"big{n}", vector=unit(1), payload={"text": "x" * 200_000}) for n in range(20)])
    outcomes = client.batch_search([unit(1)] * 6, top_k=20)  # 4 MB each, 24 MB together
    assert [len(outcome.result.hits) for outcome in outcomes] == [20] * 6


def test_embed_and_compare_with_the_model_of_a_gallery(client: Any, tiny_model: Path, pictures: Path) -> None:
    paths = sorted(pictures.rglob("*.png"))[:3]
    name = fingerprint(tiny_model.read_bytes())
    outcomes = client.embed([*paths, "nowhere.png"], gallery="drawn", expected_model_fingerprint=name)
    assert [outcome.error is None for outcome in outcomes] == [True, True, True, False]
    assert outcomes[0].model_fingerprint == name
    assert client.compare(paths[0], paths[0], gallery="drawn").score == pytest.approx(1, abs=1e-5)
    for call in (client.embed, lambda paths, **pin: client.compare(*paths, **pin)):
        with pytest.raises(ModelMismatch):
            call(paths[:2], expected_model_fingerprint="0" * 64)
        with pytest.raises(GalleryNotFound):
            call(paths[:2], gallery="nobody")
    assert len(client.embed(paths * 50)) == 150  # three calls


def test_partial_writes(client: Any) -> None:
    items = [UpsertItem(item_id="good", vector=unit(1)), UpsertItem(item_id="bad", vector=unit())]
    with pytest.raises(InvalidInput):
        client.upsert(items)
    written = client.upsert(items, partial=True)
    assert written.item_count == 1
    assert [(each.index, each.item_id, type(each.error).__name__) for each in written.failures] == [
        (1, "bad", "InvalidVector")
    ]


def test_galleries_and_aliases(client: Any, tiny_model: Path) -> None:
    made = client.create_gallery("shop.1")
    assert (made.name, made.item_count, made.model_fingerprint) == ("shop.1", 0, fingerprint(tiny_model.read_bytes()))
    with pytest.raises(AlreadyExists):
        client.create_gallery("shop.1")
    client.upsert([UpsertItem(item_id="a", vector=unit(1))], gallery="shop.1")
    change = client.set_alias("shop", "shop.1", expected_gallery="")
    assert (change.alias, change.gallery, change.previous_gallery) == ("shop", "shop.1", "")
    assert client.search(unit(1), gallery="shop").gallery == "shop.1"
    assert client.get_gallery("shop").aliases == ("shop",)
    with pytest.raises(Mismatch):
        client.set_alias("shop", "drawn", expected_gallery="")
    assert client.set_alias("shop", "drawn").previous_gallery == "shop.1"
    assert client.delete_alias("shop").previous_gallery == "drawn"
    with pytest.raises(NotFound):
        client.delete_alias("shop")
    with pytest.raises(Mismatch):
        client.drop_gallery("shop.1", expected_item_count=0)
    assert client.drop_gallery("shop.1", expected_item_count=1).item_count == 1
    with pytest.raises(GalleryNotFound):
        client.get_gallery("shop.1")
    with pytest.raises(Mismatch):
        client.drop_gallery("drawn")
    assert [each.name for each in client.galleries()] == ["drawn"]


def test_generations_and_verification(client: Any) -> None:
    client.delete(filter='label = "red"')
    assert client.compact().item_count == 20
    assert client.roll_back(expected_generation=2).number == 1
    assert [each.number for each in client.generations()] == [2, 1]
    found = client.verify()
    assert (found.findings, found.gallery, found.item_count) == ((), "drawn", 20)
    with pytest.raises(InvalidInput, match="timeout_s is 0"):
        client.verify(timeout_s=0)


def test_another_model(client: Any, tiny_model: Path, other_model: Path) -> None:
    old, new = (fingerprint(path.read_bytes()) for path in (tiny_model, other_model))
    with pytest.raises(NotFound):
        list(client.stage_model("0" * 64))
    progress = list(client.stage_model(new))
    assert progress[-1].ready
    assert progress[-1].model_fingerprint == new
    assert {(str(each.state), each.model_fingerprint) for each in client.models()} >= {("in use", old), ("staged", new)}
    found = [client.search(unit(1)), client.search(item_id="red/0.png", staged=True)]
    found += [outcome.result for outcome in client.batch_search([ItemId("red/0.png")], staged=True)]
    found += [outcome.result for outcome in client.search_stream([ItemId("red/0.png")], staged=True)]
    assert [each.model_fingerprint for each in found] == [old, new, new, new]
    picture = encode(draw("red"))
    assert client.embed([picture], staged=True)[0].model_fingerprint == new
    assert client.compare(picture, picture, staged=True).model_fingerprint == new
    with pytest.raises(ModelMismatch):
        client.activate_model(new, expected_model_fingerprint=new)
    done = client.activate_model(new, expected_model_fingerprint=old)
    assert (done.previous_model_fingerprint, done.model_fingerprint) == (old, new)
    assert client.search(unit(1)).model_fingerprint == new
    with pytest.raises(GenerationMismatch, match="has no model staged"):
        client.search(unit(1), staged=True)


@pytest.mark.parametrize("used", [True, False])
def test_an_asyncio_client_that_is_closed_says_so(server: Server, used: bool) -> None:
    async def talk() -> None:
        async with AsyncClient(server.address) as client:
            if used:
                await client.info()
        await client.close()
        with pytest.raises(Unavailable, match="is closed"):
            await client.info()

    asyncio.run(talk())


def test_no_server_is_our_error(connect: Callable[..., Any]) -> None:
    client = connect("127.0.0.1:1", timeout_s=5)
    calls: list[Callable[[], Any]] = [
        client.info,
        lambda: client.embed([b"x"]),
        lambda: client.batch_search([unit(1)]),
        lambda: list(client.search_stream([unit(1)])),
        lambda: list(client.upsert_stream([])),
        lambda: list(client.stage_model("0" * 64)),
    ]
    for call in calls:
        with pytest.raises(SmserveError) as caught:
            call()
        assert isinstance(caught.value, Unavailable)


def test_an_event_loop_goes_on_while_a_client_waits_and_reads_files(server: Server, pictures: Path) -> None:
    paths = sorted(pictures.rglob("*.png"))

    async def talk() -> tuple[int, int]:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.001)
                ticks += 1

        ticking = asyncio.create_task(tick())
        async with AsyncClient(server.address) as client:
            results = await asyncio.gather(*(client.search(path) for path in paths))
        ticking.cancel()
        return len(results), ticks

    answered, ticks = asyncio.run(talk())
    assert answered == len(paths)
    assert ticks > 3


def test_a_cancelled_task_ends_its_call_and_no_other(server: Server) -> None:
    async def talk() -> int:
        async with AsyncClient(server.address) as client:
            await client.info()
            waiting = asyncio.create_task(client.search(unit(1)))
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            return len((await client.search(unit(1))).hits)

    assert asyncio.run(talk()) == 10


def test_one_client_for_many_threads(server: Server) -> None:
    failures: list[BaseException] = []
    with Client(server.address) as client:

        def ask() -> None:
            try:
                assert all(each.result for each in client.batch_search([unit(1)] * 5))
            except BaseException as error:  # noqa: BLE001 - looked at below
                failures.append(error)

        threads = [threading.Thread(target=ask) for _ in range(8)]
        start = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert not failures
    assert time.monotonic() - start < 30
