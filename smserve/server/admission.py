"""Admission: how many calls run, how many wait, and what the next one is told."""

import threading
import time
from collections import deque
from typing import Final

from smserve.errors import Overloaded, SmserveError, Unavailable
from smserve.server.refusals import Refusal, Refusals
from smserve.server.service_times import ServiceTimes
from smserve.server.ticket import Ticket

__all__ = ["Admission"]

_CAUTION: Final = 1.5
"""On what a call would take, when it comes: a queue as long as deadlines allow would have each answer come at the last
moment, and every delay make it too late; at four times the capacity a tenth of the answers were."""


class Admission:
    """Lets `max_in_flight` calls run and `max_waiting` wait, first come first served; safe to use from many threads.

    It decides, and never waits: whoever gives a place up is handed the ticket of the next, and has it begin.

    A call with a deadline that it can't meet is refused at once instead of being answered too late: what it would take
    is the median of the latest calls of its kind, its wait that of those before it. One that finds a place free is
    never refused, so that a few slow calls can't make the server believe that it is slow for ever.

    The requests of a stream come one at a time: the next one waits only when the one before has a place. So a stream
    has its turn like any caller, however much it has sent, and needs none of the `max_waiting`.

    A call whose message is still on its way has no place yet, but room to wait in: together, calls never have more
    messages than there are places and room.
    """

    def __init__(
        self, *, max_in_flight: int, max_waiting: int, max_wait_s: float, refusals: Refusals | None = None
    ) -> None:
        """Begin with no call.

        Args:
            max_in_flight: Calls that run at a time.
            max_waiting: Calls that wait.
            max_wait_s: As long as one may wait.
            refusals: Counts those that are turned away.
        """
        self._max_in_flight: Final = max_in_flight
        self._max_waiting: Final = max_waiting
        self._max_wait_s: Final = max_wait_s
        self._refusals: Final = refusals or Refusals()
        self._coming = 0
        self._running = 0
        self._waiting: Final[deque[Ticket]] = deque()
        self._closed = False
        self._times: Final = ServiceTimes()
        self._lock: Final = threading.Lock()
        self._idle: Final = threading.Condition(self._lock)

    def expect(self, ticket: Ticket) -> None:
        """Take a call on whose message is still to come; `admit` or `forget` it then.

        Raises:
            Overloaded: As many calls have come already as may, or the deadline can't be met.
            Unavailable: The server is shutting down.
        """
        with self._lock:
            self._check_open()
            self._check_room(coming=self._coming)
            if not self._has_place():
                self._check_worth(ticket)
            self._coming += 1

    def forget(self) -> None:
        """Let go of a call that was expected, and does not come after all."""
        with self._lock:
            self._coming -= 1
            self._tell_if_idle()

    def admit(self, ticket: Ticket, *, was_expected: bool = False) -> bool:
        """Give a place at once, and return True; or keep a ticket until it has its turn.

        Args:
            ticket: It is begun when it has its turn, unless it is withdrawn before.
            was_expected: See `expect`; what was taken on before the server began to shut down is answered.

        Raises:
            Overloaded: Too many wait already, or the deadline can't be met.
            Unavailable: The server is shutting down.
        """
        with self._lock:
            if was_expected:
                self._coming -= 1
            elif not ticket.is_stream:  # what a stream has taken on is answered
                self._check_open()
            if self._has_place():
                self._running += 1
                return True
            try:
                if not ticket.is_stream:
                    self._check_room()
                self._check_worth(ticket)
            except SmserveError:
                self._tell_if_idle()
                raise
            ticket.was_queued = True
            self._waiting.append(ticket)
            return False

    def leave(self, ticket: Ticket) -> Ticket | None:
        """Give a place back, and return the ticket that has it now: the caller must begin it."""
        with self._lock:
            self._times.add(ticket.kind, time.monotonic() - ticket.began)
            return self._pass_on()

    def pass_on(self) -> Ticket | None:
        """Give a place back that was not used; see `leave`."""
        with self._lock:
            return self._pass_on()

    def withdraw(self, ticket: Ticket) -> bool:
        """Take a ticket back that waits; returns False where it has had its turn, or was taken back, already."""
        with self._lock:
            if ticket not in self._waiting:
                return False
            self._waiting.remove(ticket)
            self._tell_if_idle()
            return True

    def expire(self, ticket: Ticket) -> Overloaded | None:
        """Take back a ticket that has waited as long as may be, or would come too late, and return what it is told."""
        now = time.monotonic()
        with self._lock:
            if self.patience_s(ticket, now) > 0 or ticket not in self._waiting:
                return None
            refusal = self._impatience(ticket, now)
            self._waiting.remove(ticket)
            self._tell_if_idle()
            return refusal

    def patience_s(self, ticket: Ticket, now: float) -> float:
        """Return how long a ticket may go on to wait, in seconds."""
        return min(ticket.came + self._max_wait_s, ticket.deadline - ticket.expected_s) - now

    def waiting(self) -> list[Ticket]:
        """Return those that wait, the first come first."""
        with self._lock:
            return list(self._waiting)

    @property
    def is_closed(self) -> bool:
        """Whether no further call is let in."""
        return self._closed

    def close(self) -> None:
        """Refuse calls that come from now on; those that run or wait, or were expected, go on."""
        with self._lock:
            self._closed = True

    def wait_until_idle(self, timeout_s: float) -> bool:
        """Wait until no call runs, waits or is expected, and return whether that was reached in time."""
        with self._idle:
            return self._idle.wait_for(self._is_idle, timeout_s)

    def counts(self) -> tuple[int, int]:
        """Return how many calls run, and how many wait."""
        with self._lock:
            return self._running, len(self._waiting)

    # What follows is called with the lock.

    def _has_place(self) -> bool:
        return self._running < self._max_in_flight and not self._waiting

    def _check_open(self) -> None:
        if self._closed:
            self._refusals.add(Refusal.DRAINING)
            raise Unavailable("the server is shutting down; ask another one, or try again later")

    def _check_room(self, *, coming: int = 0) -> None:
        taken = self._running + coming + sum(not ticket.is_stream for ticket in self._waiting)
        if taken >= self._max_in_flight + self._max_waiting:
            self._refusals.add(Refusal.QUEUE_FULL)
            running = min(taken, self._max_in_flight)
            raise Overloaded(
                f"the server is full: {running} calls run and {taken - running} wait; try again shortly",
                retry_after_s=self._retry_after_s(),
            )

    def _check_worth(self, ticket: Ticket) -> None:
        """See whether a ticket that has to wait can be answered in time."""
        ticket.expected_s = self._times.median_s(ticket.kind)
        needed_s = _CAUTION * (self._wait_s() + ticket.expected_s)
        if ticket.deadline - ticket.came < needed_s:
            raise self._too_late(ticket, ticket.came, needed_s)

    def _impatience(self, ticket: Ticket, now: float) -> Overloaded:
        if now < ticket.came + self._max_wait_s:
            return self._too_late(ticket, now, ticket.expected_s)
        self._refusals.add(Refusal.WAIT)
        running, waiting = self._running, len(self._waiting)
        return Overloaded(
            f"no turn within {self._max_wait_s:g} s: {running} calls run and {waiting} wait; try again later",
            retry_after_s=2.0,
        )

    def _too_late(self, ticket: Ticket, now: float, needed_s: float) -> Overloaded:
        self._refusals.add(Refusal.DEADLINE)
        remaining_s = max(0.0, ticket.deadline - now)
        return Overloaded(
            f"the server is busy: {ticket.kind or 'a call'} may take {needed_s * 1000:.0f} ms now, waiting included, "
            f"and its deadline is {remaining_s * 1000:.0f} ms away; try again shortly, or allow more time",
            retry_after_s=self._retry_after_s(),
        )

    def _wait_s(self) -> float:
        """Return how long those who wait before a call keep it waiting: a place is free half a call from now."""
        ahead = sum(ticket.expected_s for ticket in self._waiting)
        return (ahead + self._times.median_s() / 2) / self._max_in_flight

    def _retry_after_s(self) -> float:
        """Return when the queue will have emptied, within reason."""
        return min(5.0, max(0.5, self._wait_s()))

    def _pass_on(self) -> Ticket | None:
        if self._waiting:
            return self._waiting.popleft()
        self._running -= 1
        self._tell_if_idle()
        return None

    def _is_idle(self) -> bool:
        return not (self._running or self._waiting or self._coming)

    def _tell_if_idle(self) -> None:
        if self._is_idle():
            self._idle.notify_all()
