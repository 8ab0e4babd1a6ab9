"""Admission: so many run, so many wait, the next one is told to try again."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from random import Random

import pytest

from smserve.errors import Cancelled, Overloaded, Unavailable
from smserve.server.admission import Admission
from smserve.server.entrance import Entrance


def waiting(admission: Admission, count: int) -> bool:
    return admission.counts()[1] == count


def wanted() -> None:
    pass


@contextmanager
def in_thread(work: Callable[[], None]) -> Iterator[threading.Thread]:
    thread = threading.Thread(target=work)
    thread.start()
    yield thread
    thread.join(timeout=10)
    assert not thread.is_alive()


def wait_for(condition: Callable[[], bool]) -> None:
    clock = threading.Event()
    for _ in range(1000):
        if condition():
            return
        clock.wait(0.005)
    pytest.fail("it never came true")


def take(entrance: Entrance, time_s: float, *, times: int) -> None:
    for _ in range(times):
        with entrance.admit(wanted, kind="Slow"):
            time.sleep(time_s)


def test_places_come_back() -> None:
    admission = Admission(max_in_flight=2, max_waiting=0, max_wait_s=1)
    entrance = Entrance(admission)
    with entrance.admit(wanted), entrance.admit(wanted), pytest.raises(Overloaded, match="2 calls run and 0 wait"):
        entrance.admit(wanted).__enter__()
    with entrance.admit(wanted), entrance.admit(wanted):
        pass
    assert admission.wait_until_idle(0)


def test_a_place_comes_back_after_an_error() -> None:
    admission = Admission(max_in_flight=1, max_waiting=0, max_wait_s=1)
    entrance = Entrance(admission)
    with pytest.raises(ZeroDivisionError), entrance.admit(wanted):
        _ = 1 / 0
    with entrance.admit(wanted):
        pass


def test_first_come_first_served_and_one_too_many() -> None:
    admission = Admission(max_in_flight=1, max_waiting=2, max_wait_s=10)
    entrance = Entrance(admission)
    order: list[int] = []

    def ask(number: int) -> None:
        with entrance.admit(wanted):
            order.append(number)

    with ExitStack() as threads, entrance.admit(wanted):
        for number in (1, 2):
            threads.enter_context(in_thread(partial(ask, number)))
            wait_for(partial(waiting, admission, number))
        with pytest.raises(Overloaded, match="1 calls run and 2 wait"), entrance.admit(wanted):
            pass
    assert order == [1, 2]


def test_the_wait_is_bounded() -> None:
    admission = Admission(max_in_flight=1, max_waiting=1, max_wait_s=0.05)
    entrance = Entrance(admission)
    with entrance.admit(wanted), pytest.raises(Overloaded, match=r"no turn within 0\.05 s"), entrance.admit(wanted):
        pass


def test_a_wait_ends_when_the_caller_is_gone() -> None:
    admission = Admission(max_in_flight=1, max_waiting=1, max_wait_s=10)
    entrance = Entrance(admission)

    def gone() -> None:
        raise Cancelled("gone")

    with entrance.admit(wanted), pytest.raises(Cancelled), entrance.admit(gone):
        pass
    assert admission.counts() == (0, 0)


def test_a_call_that_would_come_too_late_is_refused_at_once() -> None:
    """After calls of 50 ms, one with 20 ms left is not worth its wait; nor is one whose wait alone takes longer."""
    admission = Admission(max_in_flight=1, max_waiting=4, max_wait_s=10)
    entrance = Entrance(admission)
    take(entrance, 0.05, times=3)
    with entrance.admit(wanted):
        began = time.monotonic()
        with pytest.raises(Overloaded, match=r"Slow may take \d+ ms now.*its deadline is 20 ms away") as caught:
            entrance.enter(wanted, remaining_s=0.02, kind="Slow")
        assert time.monotonic() - began < 0.02
        assert caught.value.retry_after_s >= 0.5
    entrance.enter(wanted, remaining_s=0.001, kind="Slow")()  # a free place refuses nobody


def test_a_call_is_shed_while_it_waits_once_it_is_too_late() -> None:
    admission = Admission(max_in_flight=1, max_waiting=4, max_wait_s=10)
    entrance = Entrance(admission)
    take(entrance, 0.05, times=3)
    with entrance.admit(wanted):  # and stays longer than any before
        began = time.monotonic()
        with pytest.raises(Overloaded, match="the server is busy: Slow may take"):
            entrance.enter(wanted, remaining_s=0.3, kind="Slow")
        assert 0.2 < time.monotonic() - began < 0.3
    assert admission.counts() == (0, 0)


def test_other_kinds_of_calls_are_judged_by_their_own_times() -> None:
    admission = Admission(max_in_flight=1, max_waiting=4, max_wait_s=10)
    entrance = Entrance(admission)
    take(entrance, 0.2, times=1)
    leave = entrance.enter(wanted, kind="Quick")

    def ask() -> None:
        with entrance.admit(wanted, remaining_s=0.3, kind="Quick"):
            pass

    with in_thread(ask):
        wait_for(partial(waiting, admission, 1))  # 100 ms for the half of a Slow, and none for itself
        leave()


def test_a_stream_waits_like_one_caller_beyond_the_queue() -> None:
    """Its request has a turn between those that came before and after it, and none of the places to wait."""
    admission = Admission(max_in_flight=1, max_waiting=2, max_wait_s=10)
    entrance = Entrance(admission)
    order: list[str] = []

    def ask(name: str, *, is_stream: bool) -> None:
        leave = entrance.enter(wanted, is_stream=is_stream)
        order.append(name)
        leave()

    with ExitStack() as threads, entrance.admit(wanted):
        for count, (name, is_stream) in enumerate([("a", False), ("s", True), ("t", True), ("b", False)], 1):
            threads.enter_context(in_thread(partial(ask, name, is_stream=is_stream)))
            wait_for(partial(waiting, admission, count))
        with pytest.raises(Overloaded, match="1 calls run and 2 wait"):
            entrance.enter(wanted)
    assert order == ["a", "s", "t", "b"]


def test_closing_refuses_new_calls_and_lets_waiting_ones_go_on() -> None:
    admission = Admission(max_in_flight=1, max_waiting=1, max_wait_s=10)
    entrance = Entrance(admission)
    done = threading.Event()

    def ask() -> None:
        with entrance.admit(wanted):
            done.set()

    leave = entrance.enter(wanted)
    with in_thread(ask):
        wait_for(partial(waiting, admission, 1))
        admission.close()
        with pytest.raises(Unavailable, match="shutting down"):
            entrance.enter(wanted)
        admission_of_a_stream = threading.Event()

        def stream() -> None:
            entrance.enter(wanted, is_stream=True)()  # it was taken on before
            admission_of_a_stream.set()

        with in_thread(stream):
            assert not admission.wait_until_idle(0)
            leave()
        assert admission_of_a_stream.is_set()
    assert done.is_set()
    assert admission.wait_until_idle(5)


def test_a_call_that_gives_up_as_its_turn_comes_gives_the_turn_back() -> None:
    admission = Admission(max_in_flight=1, max_waiting=1, max_wait_s=10)
    entrance = Entrance(admission)
    leave = entrance.enter(wanted)

    def gone() -> None:
        leave()  # so the place is this call's
        raise Cancelled("gone")

    with pytest.raises(Cancelled):
        entrance.enter(gone)
    assert admission.counts() == (0, 0)


def test_no_place_is_lost_among_threads_that_give_up() -> None:
    """Each of 300 waits may be granted, given up, or both at once."""
    admission = Admission(max_in_flight=2, max_waiting=300, max_wait_s=10)
    entrance = Entrance(admission)
    random = Random(0)  # noqa: S311 - how long each waits, no secret
    most = [0]

    def ask(patience_s: float) -> None:
        end = time.monotonic() + patience_s

        def impatient() -> None:
            if time.monotonic() > end:
                raise Cancelled("gone")

        with contextlib.suppress(Cancelled), entrance.admit(impatient):
            most[0] = max(most[0], admission.counts()[0])
            time.sleep(0.001)

    with ExitStack() as threads:
        for _ in range(300):
            threads.enter_context(in_thread(partial(ask, random.random() * 0.2)))
    assert admission.counts() == (0, 0)
    assert most[0] == 2
