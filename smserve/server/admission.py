"""Admission: how many calls run, how many wait, and what the next one is told."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from smserve.errors import Overloaded, Unavailable
from smserve.server.refusals import Refusal, Refusals
from smserve.server.service_times import ServiceTimes

__all__ = ["Admission"]

_POLL_S: Final = 0.1  # how soon a waiting call notices that its caller is gone

_CAUTION: Final = 1.5
"""On what a call would take, when it comes: a queue as long as deadlines allow would have each answer come at the last
moment, and every delay make it too late; at four times the capacity a tenth of the answers were."""


def _untold(seconds: float) -> None:
    pass


class _Ticket:
    """A call that waits: `granted` is set once it has a place."""

    __slots__ = ("expected_s", "granted", "is_stream")

    def __init__(self, expected_s: float, *, is_stream: bool) -> None:
        self.expected_s: Final = expected_s
        self.is_stream: Final = is_stream
        self.granted = threading.Event()


class Admission:
    """Lets `max_in_flight` calls run and `max_waiting` wait, first come first served; safe to use from many threads.

    A call with a deadline that it can't meet is refused at once instead of being answered too late: what it would take
    is the median of the latest calls of its kind, its wait that of those before it. One that finds a place free is
    never refused, so that a few slow calls can't make the server believe that it is slow for ever.

    The requests of a stream come one at a time: the next one waits only when the one before has a place. So a stream
    has its turn like any caller, however much it has sent, and needs none of the `max_waiting`.
    """

    def __init__(
        self,
        *,
        max_in_flight: int,
        max_waiting: int,
        max_wait_s: float,
        refusals: Refusals | None = None,
        on_wait: Callable[[float], None] = _untold,
    ) -> None:
        """Begin with no call.

        Args:
            max_in_flight: Calls that run at a time.
            max_waiting: Calls that wait.
            max_wait_s: As long as one may wait.
            refusals: Counts those that are turned away.
            on_wait: Told of the seconds that each call waited, on its thread; 0 where a place was free.
        """
        self._max_in_flight: Final = max_in_flight
        self._max_waiting: Final = max_waiting
        self._max_wait_s: Final = max_wait_s
        self._refusals: Final = refusals or Refusals()
        self._on_wait: Final = on_wait
        self._running = 0
        self._waiting: Final[deque[_Ticket]] = deque()
        self._closed = False
        self._times: Final = ServiceTimes()
        self._lock: Final = threading.Lock()
        self._idle: Final = threading.Condition(self._lock)

    @contextmanager
    def admit(
        self, still_wanted: Callable[[], None], *, remaining_s: float | None = None, kind: str = ""
    ) -> Iterator[None]:
        """Hold a place inside the block, waiting for it if need be; see `enter`."""
        leave = self.enter(still_wanted, remaining_s=remaining_s, kind=kind)
        try:
            yield
        finally:
            leave()

    def enter(
        self,
        still_wanted: Callable[[], None],
        *,
        remaining_s: float | None = None,
        kind: str = "",
        is_stream: bool = False,
    ) -> Callable[[], None]:
        """Take a place, waiting for it if need be, and return the function that gives it back, on any thread.

        Args:
            still_wanted: Called while waiting; what it raises ends the wait.
            remaining_s: Time until the caller's deadline; None for none.
            kind: Calls of one kind take about the same time: the method's name.
            is_stream: A request of a stream, one at a time of each.

        Raises:
            Overloaded: Too many wait already, the deadline can't be met, or the wait took too long.
            Unavailable: The server is shutting down.
        """
        came = time.monotonic()
        deadline = math.inf if remaining_s is None else came + remaining_s
        with self._lock:
            if self._closed and not is_stream:  # what a stream has taken on is answered
                self._refusals.add(Refusal.DRAINING)
                raise Unavailable("the server is shutting down; ask another one, or try again later")
            if self._running < self._max_in_flight and not self._waiting:
                self._running += 1
                ticket = None
            else:
                expected_s = self._times.median_s(kind)
                self._check_room(is_stream=is_stream)
                self._check_in_time(deadline - came, _CAUTION * (self._wait_s() + expected_s), kind)
                ticket = _Ticket(expected_s, is_stream=is_stream)
                self._waiting.append(ticket)
        if ticket is not None:
            try:
                self._wait(ticket, still_wanted, came + self._max_wait_s, deadline, kind)
            except BaseException:
                self._give_up(ticket)
                raise
        self._on_wait(0.0 if ticket is None else time.monotonic() - came)
        return self._leaving(kind)

    @property
    def is_closed(self) -> bool:
        """Whether no further call is let in."""
        return self._closed

    def close(self) -> None:
        """Refuse calls that come from now on; those that run or wait go on."""
        with self._lock:
            self._closed = True

    def wait_until_idle(self, timeout_s: float) -> bool:
        """Wait until no call runs or waits, and return whether that was reached in time."""
        with self._idle:
            return self._idle.wait_for(lambda: self._running == 0 and not self._waiting, timeout_s)

    def counts(self) -> tuple[int, int]:
        """Return how many calls run, and how many wait."""
        with self._lock:
            return self._running, len(self._waiting)

    def _check_room(self, *, is_stream: bool) -> None:
        unary = sum(not ticket.is_stream for ticket in self._waiting)
        if not is_stream and unary >= self._max_waiting:
            self._refusals.add(Refusal.QUEUE_FULL)
            raise Overloaded(
                f"the server is full: {self._running} calls run and {unary} wait; try again shortly",
                retry_after_s=self._retry_after_s(),
            )

    def _check_in_time(self, remaining_s: float, needed_s: float, kind: str) -> None:
        if remaining_s < needed_s:
            self._refusals.add(Refusal.DEADLINE)
            raise Overloaded(
                f"the server is busy: {kind or 'a call'} may take {needed_s * 1000:.0f} ms now, waiting included, and "
                f"its deadline is {max(0.0, remaining_s) * 1000:.0f} ms away; try again shortly, or allow more time",
                retry_after_s=self._retry_after_s(),
            )

    def _wait_s(self) -> float:
        """Return how long those who wait before a call keep it waiting: a place is free half a call from now.

        Called with the lock.
        """
        ahead = sum(ticket.expected_s for ticket in self._waiting)
        return (ahead + self._times.median_s() / 2) / self._max_in_flight

    def _retry_after_s(self) -> float:
        """Return when the queue will have emptied, within reason. Called with the lock."""
        return min(5.0, max(0.5, self._wait_s()))

    def _wait(
        self, ticket: _Ticket, still_wanted: Callable[[], None], give_up: float, deadline: float, kind: str
    ) -> None:
        while not ticket.granted.is_set():
            still_wanted()
            now = time.monotonic()
            if now >= give_up:
                self._refusals.add(Refusal.WAIT)
                running, waiting = self.counts()
                raise Overloaded(
                    f"no turn within {self._max_wait_s:g} s: {running} calls run and {waiting} wait; try again later",
                    retry_after_s=2.0,
                )
            latest = deadline - ticket.expected_s  # from then on the answer would come too late
            if now >= latest:
                with self._lock:
                    self._check_in_time(deadline - now, ticket.expected_s, kind)
            ticket.granted.wait(max(0.001, min(_POLL_S, give_up - now, latest - now)))

    def _give_up(self, ticket: _Ticket) -> None:
        with self._lock:
            if ticket.granted.is_set():  # meanwhile: the place is for the next one
                self._running -= 1
            else:
                self._waiting.remove(ticket)
            self._go_on()

    def _leaving(self, kind: str) -> Callable[[], None]:
        began = time.monotonic()

        def leave() -> None:
            with self._lock:
                self._times.add(kind, time.monotonic() - began)
                self._running -= 1
                self._go_on()

        return leave

    def _go_on(self) -> None:
        """Give free places to those who wait. Called with the lock."""
        while self._waiting and self._running < self._max_in_flight:
            self._running += 1
            self._waiting.popleft().granted.set()
        self._idle.notify_all()
