"""Admission: so many run, so many wait, the next one is told to try again."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from smserve.errors import Cancelled, Overloaded, Unavailable
from smserve.server.admission import Admission


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


def test_places_come_back() -> None:
    admission = Admission(max_in_flight=2, max_waiting=0, max_wait_s=1)
    with admission.admit(wanted), admission.admit(wanted), pytest.raises(Overloaded, match="2 calls run and 0 wait"):
        admission.admit(wanted).__enter__()
    with admission.admit(wanted), admission.admit(wanted):
        pass
    assert admission.wait_until_idle(0)


def test_a_place_comes_back_after_an_error() -> None:
    admission = Admission(max_in_flight=1, max_waiting=0, max_wait_s=1)
    with pytest.raises(ZeroDivisionError), admission.admit(wanted):
        _ = 1 / 0
    with admission.admit(wanted):
        pass


def test_first_come_first_served_and_one_too_many() -> None:
    admission = Admission(max_in_flight=1, max_waiting=2, max_wait_s=10)
    order: list[int] = []

    def ask(number: int) -> None:
        with admission.admit(wanted):
            order.append(number)

    with ExitStack() as threads, admission.admit(wanted):
        for number in (1, 2):
            threads.enter_context(in_thread(lambda number=number: ask(number)))  # type: ignore[misc]  # bound now
            wait_for(lambda number=number: len(admission._waiting) == number)  # type: ignore[misc]  # bound now
        with pytest.raises(Overloaded, match="1 calls run and 2 wait"), admission.admit(wanted):
            pass
    assert order == [1, 2]


def test_the_wait_is_bounded() -> None:
    admission = Admission(max_in_flight=1, max_waiting=1, max_wait_s=0.05)
    with admission.admit(wanted), pytest.raises(Overloaded, match=r"no turn within 0\.05 s"), admission.admit(wanted):
        pass


def test_a_wait_ends_when_the_caller_is_gone() -> None:
    admission = Admission(max_in_flight=1, max_waiting=1, max_wait_s=10)

    def gone() -> None:
        raise Cancelled("gone")

    with admission.admit(wanted), pytest.raises(Cancelled), admission.admit(gone):
        pass
    assert not admission._waiting


def test_closing_refuses_new_and_waiting_calls() -> None:
    admission = Admission(max_in_flight=1, max_waiting=1, max_wait_s=10)
    refused: list[Unavailable] = []

    def ask() -> None:
        try:
            with admission.admit(wanted):
                pass
        except Unavailable as error:
            refused.append(error)

    with admission.admit(wanted), in_thread(ask):
        wait_for(lambda: bool(admission._waiting))
        admission.close()
        wait_for(lambda: bool(refused))
        assert not admission.wait_until_idle(0)
    with pytest.raises(Unavailable, match="shutting down"), admission.admit(wanted):
        pass
