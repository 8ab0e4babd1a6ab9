"""ByteBudget: never more than the total, nobody starves, a wait can be given up."""

import threading

import pytest

from smserve.engine import ByteBudget
from smserve.errors import Cancelled


def wanted() -> None:
    pass


def test_what_is_held_comes_back() -> None:
    budget = ByteBudget(100)
    with budget.hold(60, wanted), budget.hold(40, wanted):
        assert budget.free == 0
    assert budget.free == 100


def test_it_comes_back_after_an_error() -> None:
    budget = ByteBudget(100)
    with pytest.raises(ZeroDivisionError), budget.hold(60, wanted):
        _ = 1 / 0
    assert budget.free == 100


def test_more_than_the_total_runs_alone() -> None:
    budget = ByteBudget(100)
    with budget.hold(1_000, wanted):
        assert budget.free == 0


def test_a_wait_is_given_up_when_nobody_wants_the_answer() -> None:
    budget = ByteBudget(100)

    def gone() -> None:
        raise Cancelled("gone")

    with budget.hold(60, wanted):
        with pytest.raises(Cancelled), budget.hold(41, gone):
            pass
        with budget.hold(40, wanted):  # the one that gave up holds nothing and blocks nobody
            pass
    assert budget.free == 100


def test_many_threads_never_hold_more_than_the_total() -> None:
    budget = ByteBudget(100)
    held, most, lock = 0, 0, threading.Lock()

    def work(amount: int) -> None:
        nonlocal held, most
        for _ in range(50):
            with budget.hold(amount, wanted):
                with lock:
                    held += amount
                    most = max(most, held)
                with lock:
                    held -= amount

    threads = [threading.Thread(target=work, args=(amount,)) for amount in (30, 40, 50, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert not any(thread.is_alive() for thread in threads)
    assert most <= 100
    assert budget.free == 100


def test_a_large_one_is_not_overtaken_by_small_ones() -> None:
    budget = ByteBudget(100)
    order: list[str] = []

    def take(name: str, amount: int) -> None:
        with budget.hold(amount, wanted):
            order.append(name)

    with budget.hold(50, wanted):
        large = threading.Thread(target=take, args=("large", 100))
        large.start()
        while not budget._queue:
            pass
        small = threading.Thread(target=take, args=("small", 10))
        small.start()
        while len(budget._queue) < 2:
            pass
        assert order == []
    large.join(timeout=10)
    small.join(timeout=10)
    assert order == ["large", "small"]
