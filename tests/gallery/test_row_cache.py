"""Rows that are kept: never another than what was written, never more bytes than allowed."""

import random
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from smserve.gallery.row import FoundRow
from smserve.gallery.row_cache import RowCache
from smserve.types import Payload

PAYLOAD = Payload("{}")


@cache
def row(key: int) -> FoundRow:
    return FoundRow(key, f"item-{key:04}", "label", PAYLOAD, bytes(256))


class Table:
    """What is read from."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def read(self, keys: Sequence[int]) -> Mapping[int, FoundRow]:
        self.asked += keys
        return {key: row(key) for key in keys if key < 1000}


def test_a_row_is_read_once() -> None:
    cache, table = RowCache(1_000_000), Table()
    assert cache.find([3, 1], table.read) == {1: row(1), 3: row(3)}
    assert cache.find([1, 2], table.read) == {1: row(1), 2: row(2)}
    assert table.asked == [1, 3, 2]


def test_what_is_not_there_is_asked_for_again() -> None:
    cache, table = RowCache(1_000_000), Table()
    assert cache.find([5000], table.read) == {}
    assert cache.find([5000], table.read) == {}
    assert table.asked == [5000, 5000]


def test_rows_not_asked_for_are_forgotten_first() -> None:
    cache, table = RowCache(20 * row(0).size_bytes), Table()
    for key in range(1, 100):
        cache.find([0, key], table.read)
    assert table.asked == list(range(100)), "0, which every search found, was read once"
    cache.find([1], table.read)
    assert table.asked[-1] == 1
    assert len(set().union(*cache._parts)) <= 24


def test_a_closed_one_keeps_nothing() -> None:
    cache, table = RowCache(1_000_000), Table()
    cache.find([1], table.read)
    cache.close()
    cache.find([1], table.read)
    cache.find([1], table.read)
    assert table.asked == [1, 1, 1]


def test_all_is_forgotten_when_somebody_has_written() -> None:
    states = [1]
    cache, table = RowCache(1_000_000, lambda: states[-1]), Table()
    cache.find([1, 2], table.read)
    states.append(2)
    cache.find([1], table.read)
    cache.find([1], table.read)
    assert table.asked == [1, 2, 1]


def test_a_state_is_asked_for_again_when_it_no_longer_holds() -> None:
    states = [1]
    cache, table = RowCache(1_000_000, lambda: states[-1], state_holds_s=0.2), Table()
    cache.find([1], table.read)
    states.append(2)
    cache.find([1], table.read)
    assert table.asked == [1]
    time.sleep(0.25)
    cache.find([1], table.read)
    assert table.asked == [1, 1]


def test_what_was_read_before_somebody_wrote_is_not_kept() -> None:
    states = [1]
    cache, table = RowCache(1_000_000, lambda: states[-1]), Table()

    def read_slowly(keys: Sequence[int]) -> Mapping[int, FoundRow]:
        found = table.read(keys)
        states.append(2)
        cache.find([2], table.read)  # another thread, that knows of the write
        return found

    assert cache.find([1], read_slowly) == {1: row(1)}
    cache.find([1], table.read)
    assert table.asked == [1, 2, 1]


def test_many_threads_find_the_right_rows() -> None:
    cache, table, start = RowCache(50 * row(0).size_bytes), Table(), threading.Barrier(4)

    def search(seed: int) -> None:
        lots = random.Random(seed)  # noqa: S311 - lots, no secrets
        start.wait(timeout=10)
        for _ in range(2000):
            keys = lots.sample(range(200), 10)
            assert cache.find(keys, table.read) == {key: row(key) for key in keys}

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(search, seed) for seed in range(4)]:
            done.result(timeout=60)
    assert len(set().union(*cache._parts)) <= 65
