"""Writes pass together; who holds them back waits for those under way, and no new one begins."""

import threading

import pytest

from smserve.engine.gate import WriteGate
from smserve.engine.interest import always_wanted
from smserve.errors import DeadlineExceeded

WAIT_S = 10


def late() -> None:
    raise DeadlineExceeded("late")


def test_writes_pass_together() -> None:
    gate = WriteGate()
    with gate.passing(late), gate.passing(late):
        pass


def test_the_holder_waits_for_writes_under_way_and_new_ones_wait_for_it() -> None:
    gate = WriteGate()
    held, let_go, passed = threading.Event(), threading.Event(), threading.Event()

    def hold() -> None:
        with gate.held(always_wanted):
            held.set()
            assert let_go.wait(WAIT_S)

    def write() -> None:
        with gate.passing(always_wanted):
            passed.set()

    holder, writer = threading.Thread(target=hold), threading.Thread(target=write)
    with gate.passing(always_wanted):
        holder.start()
        assert not held.wait(0.2)
    assert held.wait(WAIT_S)
    writer.start()
    assert not passed.wait(0.2)
    let_go.set()
    assert passed.wait(WAIT_S)
    holder.join(WAIT_S)
    writer.join(WAIT_S)


def test_who_gives_up_leaves_the_gate_open() -> None:
    gate = WriteGate()
    with gate.passing(always_wanted), pytest.raises(DeadlineExceeded), gate.held(late):
        pass
    with gate.held(always_wanted), pytest.raises(DeadlineExceeded), gate.passing(late):
        pass
    with gate.held(late), pytest.raises(DeadlineExceeded), gate.held(late):
        pass
    with gate.passing(late):
        pass
