"""The way in for threads that wait for their turn: those of streams, and of administration."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from smserve.server.admission import Admission
from smserve.server.ticket import Ticket

__all__ = ["Entrance"]

_POLL_S: Final = 0.1  # how soon who waits notices that its caller is gone


def _untold(seconds: float) -> None:
    pass


class _Waiter(Ticket):
    """`has_turn` is set once it has a place."""

    def __init__(self, kind: str, remaining_s: float | None, *, is_stream: bool) -> None:
        super().__init__(kind, remaining_s, is_stream=is_stream)
        self.has_turn: Final = threading.Event()

    def begin(self) -> None:
        self.has_turn.set()


class Entrance:
    """Lets threads wait for places; safe to use from many of them."""

    def __init__(self, admission: Admission, on_wait: Callable[[float], None] = _untold) -> None:
        """Give places of an admission.

        Args:
            admission: Decides.
            on_wait: Told of the seconds that each waited, on its thread; 0 where a place was free.
        """
        self._admission: Final = admission
        self._on_wait: Final = on_wait

    @property
    def is_closed(self) -> bool:
        """Whether no further call is let in."""
        return self._admission.is_closed

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
        waiter = _Waiter(kind, remaining_s, is_stream=is_stream)
        if not self._admission.admit(waiter):
            self._wait(waiter, still_wanted)
        waiter.began = time.monotonic()
        self._on_wait(waiter.waited_s)
        return lambda: _begin(self._admission.leave(waiter))

    def _wait(self, waiter: _Waiter, still_wanted: Callable[[], None]) -> None:
        while not waiter.has_turn.is_set():
            try:
                still_wanted()
            except BaseException:
                if not self._admission.withdraw(waiter):  # it had its turn meanwhile
                    _begin(self._admission.pass_on())
                raise
            refusal = self._admission.expire(waiter)
            if refusal is not None:
                raise refusal
            patience_s = self._admission.patience_s(waiter, time.monotonic())
            waiter.has_turn.wait(max(0.001, min(_POLL_S, patience_s)))


def _begin(ticket: Ticket | None) -> None:
    if ticket is not None:
        ticket.begin()
