"""A call that is answered in the pool, from its arrival to its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import grpc

from smserve.errors import Cancelled, SmserveError
from smserve.server.admission import Admission
from smserve.server.arrival import Arrival
from smserve.server.ticket import Ticket
from smserve.service.interest import remaining_s, still_wanted

__all__ = ["PooledCall"]


class PooledCall(Ticket):
    """What a pooled method is called with, in place of the message.

    Attributes:
        arrival: Where it came from.
        context: The call's.
        caller: Who asks, as `Access.permit` has it.
    """

    def __init__(self, kind: str, arrival: Arrival, admission: Admission, start: Callable[[PooledCall], None]) -> None:
        """Begin to count time.

        Args:
            kind: See `Ticket`.
            arrival: Where it came from.
            admission: Gives it a place.
            start: Has it answered by a thread.
        """
        super().__init__(kind, remaining_s(arrival.context))
        self.arrival: Final = arrival
        self.context: Final[grpc.ServicerContext] = arrival.context
        self.caller = ""
        self._following: PooledCall | None = None
        self._admission: Final = admission
        self._start: Final = start
        self._message: Any = None
        self._refusal: Exception | None = None
        self._has_place = False

    def comes_with(self, message: Any) -> None:
        """Note its message, and that it has come now."""
        self._message, self.came = message, time.monotonic()

    def begin(self) -> None:
        """Have it answered by a thread."""
        self._start(self)

    def refuse(self, refusal: Exception) -> None:
        """Note why it has no place."""
        self._message, self._refusal = None, refusal

    def answer(self) -> None:
        """Answer it, or tell the caller why not, on this thread; afterwards its place is given back."""
        self._has_place = self._refusal is None
        self.began = time.monotonic()
        try:
            self.arrival.answer(self)
        finally:
            self._leave()

    def following(self) -> PooledCall | None:
        """Return the call that has its place now, and is to be answered by the thread that answered this one."""
        following, self._following = self._following, None
        return following

    def give_up(self) -> None:
        """Give the place back that it was never answered in."""
        following = self._admission.pass_on()
        if following is not None:
            following.begin()

    @contextmanager
    def turn(self) -> Iterator[Any]:
        """Hold its place inside the block, and yield the message.

        Raises:
            Overloaded: It has no place.
            Unavailable: It has none since the server is shutting down.
            Unauthenticated: It brings no key that may call.
            PermissionDenied: The key may not call this.
            DeadlineExceeded: Its deadline passed while it waited.
            Cancelled: Its caller left while it waited.
        """
        if self._refusal is not None:
            try:
                raise self._refusal
            finally:
                self._refusal = None  # it holds this frame, and so the call
        try:
            if self.was_queued:
                still_wanted(self.context)()
            yield self._message
        finally:
            self._leave()

    def reason_it_is_over(self) -> SmserveError:
        """Return what became of a call that gRPC has ended."""
        try:
            still_wanted(self.context)()
        except SmserveError as error:
            return error
        return Cancelled("the call ended before the answer was ready")

    def _leave(self) -> None:
        """Give the place back; the next call waits for this thread, which is about to send an answer."""
        if not self._has_place:
            return
        self._has_place = False
        following = self._admission.leave(self)
        if isinstance(following, PooledCall):
            self._following = following
        elif following is not None:
            following.begin()
