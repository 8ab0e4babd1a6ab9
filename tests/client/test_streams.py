"""Streams of both clients: bounded, each element with an outcome of its own, and an end in every case."""

import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from smserve.client import ItemId
from smserve.errors import InvalidImage, InvalidInput, ItemNotFound, Unavailable
from smserve.server import Server
from smserve.types import UpsertItem

PLACES = 3  # of the fixture's server


def unit(*numbers: float) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    return np.pad(np.array(numbers, np.float32), (0, 8 - len(numbers)))


def item(number: int, **content: Any) -> UpsertItem:
    return UpsertItem(item_id=f"i{number}", vector=unit(1, number), **content)


def test_each_query_has_an_outcome(client: Any) -> None:
    queries = [unit(1, number) for number in range(20)]
    outcomes = {outcome.sequence: outcome for outcome in client.search_stream(iter(queries), top_k=2)}
    assert sorted(outcomes) == list(range(20))
    for number, query in enumerate(queries):
        wanted = [hit.item_id for hit in client.search(query, top_k=2).hits]
        assert [hit.item_id for hit in outcomes[number].result.hits] == wanted


def test_a_bad_query_does_not_end_the_stream(client: Any) -> None:
    queries = [unit(1), "no-such-file.png", ItemId("nobody"), b"no picture", unit(2)]
    errors = {outcome.sequence: type(outcome.error) for outcome in client.search_stream(queries)}
    assert errors == {0: type(None), 1: InvalidImage, 2: ItemNotFound, 3: InvalidImage, 4: type(None)}


def test_only_bad_queries_that_are_never_sent(client: Any) -> None:
    assert len(list(client.search_stream(f"nowhere{number}.png" for number in range(10)))) == 10


def test_nothing_at_all(client: Any) -> None:
    assert list(client.search_stream([])) == []
    assert list(client.upsert_stream([])) == []


def test_no_more_is_read_than_is_taken(client: Any) -> None:
    read = 0

    def endless() -> Iterator[Any]:
        nonlocal read
        for number in itertools.count():
            read += 1
            yield unit(1, number)

    stream = client.search_stream(endless(), top_k=1)
    for taken, _ in enumerate(stream, 1):
        time.sleep(0.01)
        assert read <= taken + PLACES + 2  # those in between, one at the door, one in the hand
        if taken == 30:
            break
    stream.close()
    time.sleep(0.1)
    after = read
    time.sleep(0.2)
    assert read == after, "it reads on though nobody takes anything"
    assert client.info().version


def test_an_error_of_the_caller_s_iterator_comes_out(client: Any) -> None:
    def queries() -> Iterator[Any]:
        yield unit(1)
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        list(client.search_stream(queries()))
    assert client.info().version


def test_writes_are_grouped_and_durable(client: Any) -> None:
    outcomes = list(client.upsert_stream((item(number) for number in range(25)), batch_size=10))
    assert [(outcome.first, outcome.count) for outcome in outcomes] == [(0, 10), (10, 10), (20, 5)]
    assert [outcome.result.item_count for outcome in outcomes] == [10, 10, 5]
    assert client.count().total == 24 + 25
    deleted = list(client.delete_stream((f"i{number}" for number in range(25)), batch_size=20))
    assert [outcome.result.item_count for outcome in deleted] == [20, 5]
    assert client.count().total == 24


def test_more_items_than_one_write_takes(client: Any) -> None:
    most = client.info().max_items
    outcomes = list(client.upsert_stream(item(number) for number in range(most + 1)))
    assert [outcome.count for outcome in outcomes] == [most, 1]


def test_a_refused_write_and_an_item_that_can_not_be_sent(client: Any) -> None:
    items = [
        item(0),
        item(1),
        UpsertItem(item_id="zero", vector=unit()),
        item(3),
        item(4, payload={"x": object()}),
        item(5),
    ]
    outcomes = list(client.upsert_stream(items, batch_size=2))
    by_first = {outcome.first: outcome for outcome in outcomes}
    assert {first: outcome.count for first, outcome in by_first.items()} == {0: 2, 2: 2, 4: 1, 5: 1}
    assert isinstance(by_first[2].error, InvalidInput)
    assert isinstance(by_first[4].error, InvalidInput)
    assert by_first[5].result is not None
    partial = list(client.upsert_stream(items[2:4], batch_size=2, partial=True))
    assert partial[0].result.item_count == 1
    assert [failure.index for failure in partial[0].result.failures] == [0]


def test_the_same_items_again_with_a_request_id(client: Any) -> None:
    for repeated in (False, True):
        outcomes = list(client.upsert_stream(map(item, range(4)), batch_size=2, request_id="import 17"))
        assert [outcome.result.repeated for outcome in outcomes] == [repeated] * 2


def test_a_batch_size_of_none(client: Any) -> None:
    with pytest.raises(InvalidInput, match="batch_size is 0"):
        list(client.upsert_stream([item(0)], batch_size=0))


def test_a_server_that_ends(connect: Callable[..., Any], server: Server) -> None:
    client = connect(server.address)

    def queries() -> Iterator[Any]:
        for number in itertools.count():
            if number == 5:
                server.hurry()
                server.stop()
            yield unit(1, number)

    with pytest.raises(Unavailable):
        for _ in client.search_stream(queries()):
            pass
