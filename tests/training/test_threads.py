import threading
from collections.abc import Iterator

import pytest

from training.threads import map_in_threads


def test_results_come_in_order() -> None:
    assert list(map_in_threads(lambda number: number * number, range(100))) == [number**2 for number in range(100)]
    assert list(map_in_threads(str, [])) == []


def test_items_are_drawn_as_they_are_needed() -> None:
    drawn: list[int] = []

    def draw() -> Iterator[int]:
        for number in range(1000):
            drawn.append(number)
            yield number

    results = map_in_threads(str, draw(), most_waiting=3)
    assert next(results) == "0"
    assert drawn == [0, 1, 2]
    assert next(results) == "1"
    assert drawn == [0, 1, 2, 3]


def test_an_error_is_raised_here_and_the_threads_end() -> None:
    before = threading.active_count()
    with pytest.raises(ZeroDivisionError):
        list(map_in_threads(lambda number: 1 // number, [3, 2, 1, 0, 1]))
    assert threading.active_count() == before
