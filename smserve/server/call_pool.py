"""Threads that answer calls: as many as there are places. A call that comes, is read or waits holds none of them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, ParamSpec, TypeVar

import grpc

from smserve.engine import call_threads
from smserve.server.admission import Admission
from smserve.server.arrival import Arrival
from smserve.server.pooled_call import PooledCall

__all__ = ["CallPool"]

_REFUSING: Final = 2
"""Threads that tell callers why their calls are not answered; each takes a moment, and never waits."""

_TICK_S: Final = 0.1  # how late a call that waits in vain may be told
_QUIET_TICKS: Final = 10  # without a call that waits, until the watching thread sleeps: each time it wakes costs

Permit = Callable[[grpc.ServicerContext], str]
"""Returns who calls; raises where they may not."""

_log: Final = logging.getLogger(__name__)
_P = ParamSpec("_P")
_T = TypeVar("_T")


class CallPool:
    """Has calls answered in their turn; the thread that ends one begins the next without sleeping in between.

    Attributes:
        on_wait: See below.
    """

    def __init__(self, admission: Admission, threads: int, on_wait: Callable[[float], None]) -> None:
        """Begin without any call.

        Args:
            admission: Gives places; streams take theirs from the same.
            threads: That answer; as many as there are places.
            on_wait: To be told of the seconds that each call waited, on its thread; 0 where a place was free.
        """
        self.on_wait: Final = on_wait
        self._admission: Final = admission
        self._answering: Final = call_threads(threads, "smserve-call")
        self._refusing: Final = ThreadPoolExecutor(_REFUSING, "smserve-refusal")
        self._queued: Final = threading.Event()
        self._stopped: Final = threading.Event()
        self._watch: Final = threading.Thread(target=self._expire, name="smserve-queue", daemon=True)
        self._watch.start()

    def door(self, kind: str, permit: Permit) -> ThreadPoolExecutor:
        """Return what gRPC is given as the pool of a method.

        Args:
            kind: Of its calls, see `Ticket`.
            permit: Called before a call takes room, on gRPC's serving thread.
        """
        return _Door(lambda arrival: self._take(PooledCall(kind, arrival, self._admission, self._start), permit))

    def shutdown(self) -> None:
        """Let go of the threads; calls must have ended, or go on by themselves."""
        self._stopped.set()
        self._queued.set()
        self._answering.shutdown(wait=False, cancel_futures=True)
        self._refusing.shutdown()

    def _take(self, call: PooledCall, permit: Permit) -> None:
        try:
            call.caller = permit(call.context)
            self._admission.expect(call)
        except Exception as error:  # noqa: BLE001 - a bug ends this call: its method tells of it
            self._refuse(call, error)
            return
        call.arrival.read(lambda message: self._admit(call, message))

    def _admit(self, call: PooledCall, message: Any) -> None:
        if message is None:
            self._admission.forget()
            self._refusing.submit(call.arrival.answer_unread)
            return
        call.comes_with(message)
        try:
            has_place = self._admission.admit(call, was_expected=True)
        except Exception as error:  # noqa: BLE001 - as above
            self._refuse(call, error)
            return
        if has_place:
            call.begin()
            return
        if not self._queued.is_set():
            self._queued.set()
        if not call.context.add_callback(lambda: self._drop(call)):  # over already
            self._drop(call)

    def _start(self, call: PooledCall) -> None:
        try:
            self._answering.submit(_answer, [call])
        except RuntimeError:  # the threads are gone: the server has stopped
            call.give_up()

    def _drop(self, call: PooledCall) -> None:
        """Let no call wait whose caller has gone; it is refused all the same, so that it is told of like the others."""
        if self._admission.withdraw(call):
            self._refuse(call, call.reason_it_is_over())

    def _refuse(self, call: PooledCall, error: Exception) -> None:
        call.refuse(error)
        self._refusing.submit(call.answer)

    def _expire(self) -> None:
        """See to calls that wait in vain; the watching thread's work."""
        quiet = _QUIET_TICKS
        while not self._stopped.is_set():
            if quiet >= _QUIET_TICKS:
                self._queued.wait()
                self._queued.clear()
                quiet = 0
            self._stopped.wait(_TICK_S)
            waiting = self._admission.waiting()
            quiet = 0 if waiting else quiet + 1
            for ticket in waiting:
                if isinstance(ticket, PooledCall):
                    self._see_to(ticket)

    def _see_to(self, call: PooledCall) -> None:
        if call.deadline <= time.monotonic():  # gRPC is about to say so
            self._drop(call)
            return
        refusal = self._admission.expire(call)
        if refusal is not None:
            self._refuse(call, refusal)


def _answer(calls: list[PooledCall]) -> None:
    """Answer a call, and those that come after it in its place; the answering threads' work.

    The call comes in a list and is taken out, since the executor keeps what it was given until this ends.
    """
    call: PooledCall | None = calls.pop()
    while call is not None:
        call.answer()
        call = call.following()


class _Door(ThreadPoolExecutor):
    """A pool by name only: gRPC takes no other."""

    def __init__(self, take: Callable[[Arrival], None]) -> None:
        super().__init__(1)  # and none is ever started
        self._take: Final = take

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:  # noqa: ARG002 - gRPC names none
        """Take a call in; gRPC asks only when it has ended, to count those of a server that limits them itself."""
        try:
            self._take(Arrival(fn, args))
        except Exception:  # noqa: BLE001 - it would end gRPC's one serving thread
            _log.exception("a call was lost")
        return _ENDED


_ENDED: Final[Future[Any]] = Future()
_ENDED.set_result(None)
