"""What admission decides for calls that hold no thread: it never waits, and hands places on."""

import time

import pytest

from smserve.errors import Overloaded, Unavailable
from smserve.server.admission import Admission
from smserve.server.refusals import Refusal, Refusals
from smserve.server.ticket import Ticket


class Call(Ticket):
    def __init__(self, kind: str = "", remaining_s: float | None = None, *, is_stream: bool = False) -> None:
        super().__init__(kind, remaining_s, is_stream=is_stream)
        self.began = self.came

    def begin(self) -> None:
        raise AssertionError("whoever gives a place up begins the next, admission does not")


def test_a_place_goes_from_hand_to_hand() -> None:
    admission = Admission(max_in_flight=1, max_waiting=2, max_wait_s=10)
    first, second, third = Call(), Call(), Call()
    assert admission.admit(first)
    assert [admission.admit(second), admission.admit(third)] == [False, False]
    assert (first.was_queued, second.was_queued) == (False, True)
    assert admission.leave(first) is second
    assert admission.counts() == (1, 1)
    assert admission.leave(second) is third
    assert admission.leave(third) is None
    assert admission.wait_until_idle(0)


def test_what_is_withdrawn_has_no_turn() -> None:
    admission = Admission(max_in_flight=1, max_waiting=2, max_wait_s=10)
    first, second, third = Call(), Call(), Call()
    assert [admission.admit(call) for call in (first, second, third)] == [True, False, False]
    assert admission.withdraw(second)
    assert not admission.withdraw(second)
    assert not admission.withdraw(first)
    assert admission.leave(first) is third


def test_what_is_expected_takes_room_and_no_place() -> None:
    admission = Admission(max_in_flight=1, max_waiting=1, max_wait_s=10)
    slow, slower = Call(), Call()
    admission.expect(slow)
    admission.expect(slower)
    with pytest.raises(Overloaded, match="1 calls run and 1 wait"):
        admission.expect(Call())
    assert not admission.wait_until_idle(0)
    stream = Call(is_stream=True)
    assert admission.admit(stream)
    assert not admission.admit(slow, was_expected=True)
    with pytest.raises(Overloaded, match="1 calls run and 1 wait"):
        admission.admit(slower, was_expected=True)
    assert admission.leave(stream) is slow
    admission.expect(Call())
    admission.forget()
    assert admission.leave(slow) is None
    assert admission.wait_until_idle(0)


def test_what_was_expected_before_the_end_is_let_in() -> None:
    admission = Admission(max_in_flight=1, max_waiting=1, max_wait_s=10)
    early = Call()
    admission.expect(early)
    admission.close()
    with pytest.raises(Unavailable, match="shutting down"):
        admission.expect(Call())
    assert admission.admit(early, was_expected=True)


def test_patience_ends_once() -> None:
    refusals = Refusals()
    admission = Admission(max_in_flight=1, max_waiting=3, max_wait_s=0.05, refusals=refusals)
    first, patient, hasty = Call(), Call(), Call(remaining_s=0.02)
    assert [admission.admit(call) for call in (first, patient, hasty)] == [True, False, False]
    assert admission.expire(patient) is None
    time.sleep(0.03)
    refusal = admission.expire(hasty)
    assert refusal is not None
    assert "its deadline is 0 ms away" in refusal.message
    time.sleep(0.03)
    refusal = admission.expire(patient)
    assert refusal is not None
    assert "no turn within 0.05 s" in refusal.message
    assert admission.expire(patient) is None
    assert admission.expire(first) is None
    assert (refusals.counts()[Refusal.WAIT], refusals.counts()[Refusal.DEADLINE]) == (1, 1)
    assert admission.leave(first) is None
