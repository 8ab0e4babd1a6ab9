"""Admission: how many calls run, how many wait, and what the next one is told."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from smserve.errors import Overloaded, Unavailable

__all__ = ["Admission"]

_POLL_S = 0.1  # how soon a waiting call notices that its caller is gone


class Admission:
    """Lets `max_in_flight` calls run and `max_waiting` wait, first come first served."""

    def __init__(self, *, max_in_flight: int, max_waiting: int, max_wait_s: float) -> None:
        self._max_in_flight = max_in_flight
        self._max_waiting = max_waiting
        self._max_wait_s = max_wait_s
        self._running = 0
        self._waiting: deque[object] = deque()
        self._closed = False
        self._changed = threading.Condition()

    @contextmanager
    def admit(self, still_wanted: Callable[[], None]) -> Iterator[None]:
        """Hold a place inside the block, waiting for it if need be.

        Args:
            still_wanted: Called while waiting; what it raises ends the wait.

        Raises:
            Overloaded: Too many wait already, or the wait took too long.
            Unavailable: The server is shutting down.
        """
        self._enter(still_wanted)
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def close(self) -> None:
        """Refuse new and waiting calls; running ones go on."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def wait_until_idle(self, timeout_s: float) -> bool:
        """Wait until no call runs, and return whether that was reached in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._running == 0, timeout_s)

    def _enter(self, still_wanted: Callable[[], None]) -> None:
        ticket = object()
        with self._changed:
            if not self._has_place() and len(self._waiting) >= self._max_waiting:
                raise Overloaded(
                    f"the server is full: {self._running} calls run and {len(self._waiting)} wait; try again shortly"
                )
            self._waiting.append(ticket)
            try:
                self._wait(ticket, still_wanted)
                self._running += 1
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()

    def _has_place(self) -> bool:
        return self._closed or (self._running < self._max_in_flight and not self._waiting)

    def _wait(self, ticket: object, still_wanted: Callable[[], None]) -> None:
        give_up = time.monotonic() + self._max_wait_s
        while True:
            if self._closed:
                raise Unavailable("the server is shutting down; ask another one, or try again later")
            if self._waiting[0] is ticket and self._running < self._max_in_flight:
                return
            still_wanted()
            remaining_s = give_up - time.monotonic()
            if remaining_s <= 0:
                raise Overloaded(
                    f"no turn within {self._max_wait_s:g} s: {self._running} calls run and "
                    f"{len(self._waiting)} wait; try again later",
                    retry_after_s=2.0,
                )
            self._changed.wait(min(_POLL_S, remaining_s))
