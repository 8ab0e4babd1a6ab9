"""A stream on threads: elements go in from an iterator, outcomes come out of another, and few are ever in between."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from smserve.client.calls.streams import Plan, Send
from smserve.errors import Unavailable

__all__ = ["Stream"]

_Element = TypeVar("_Element")
_Outcome = TypeVar("_Outcome")


@dataclass(frozen=True, slots=True)
class _End:
    """After the last outcome: why the stream ended, or None when it was answered to its end."""

    error: BaseException | None


class Stream(Generic[_Element, _Outcome]):
    """One stream; each outcome, and each request that waits for one, holds one of a few places until it is taken."""

    def __init__(self, plan: Plan[_Element, _Outcome], elements: Iterable[_Element], *, places: int) -> None:
        """Prepare a stream.

        Args:
            plan: What it says.
            elements: Read as fast as answers are taken.
            places: How many.
        """
        self._plan: Final = plan
        self._elements: Final = elements
        self._free: Final = threading.Semaphore(places)
        self._outcomes: Final[queue.SimpleQueue[_Outcome | _End]] = queue.SimpleQueue()
        self._left = False  # nobody takes outcomes any more
        self._all_sent = False
        self._unanswered = 0
        self._counting: Final = threading.Lock()
        self._source_error: BaseException | None = None

    def run(self, method: Callable[..., Any], timeout_s: float | None) -> Iterator[_Outcome]:
        """Yield outcomes as they come; leaving early ends the call.

        Args:
            method: The stub's.
            timeout_s: Of the whole stream.

        Raises:
            grpc.RpcError: The stream broke.
            Unavailable: It ended before all was answered.
        """
        call = method(self._requests(), timeout=timeout_s)
        threading.Thread(target=self._read, args=(call,), name="smserve-stream", daemon=True).start()
        try:
            while True:
                outcome = self._outcomes.get()
                if isinstance(outcome, _End):
                    self._check_end(outcome.error)
                    return
                self._free.release()
                yield outcome
        finally:
            self._left = True
            self._free.release()  # wakes who waits for a place, to find that nobody is there
            call.cancel()

    def _check_end(self, error: BaseException | None) -> None:
        if error is not None:
            raise error
        if self._source_error is not None:
            raise self._source_error
        if not self._all_sent or self._unanswered:
            raise Unavailable("the server ended the stream before all was answered; go on with the rest")

    def _requests(self) -> Iterator[Any]:
        """Yield what is sent; gRPC runs this in a thread of its own, where an error must not surface."""
        try:
            for element in self._elements:
                yield from self._placed(self._plan.add(element))
                if self._left:
                    return
            yield from self._placed(self._plan.finish())
            self._all_sent = True
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001 - the caller's iterator; it is raised where outcomes are taken
            self._source_error = error

    def _placed(self, steps: Iterator[Send | _Outcome]) -> Iterator[Any]:
        for step in steps:
            self._free.acquire()
            if self._left:
                return
            if isinstance(step, Send):
                with self._counting:
                    self._unanswered += 1
                yield step.message
            else:
                self._outcomes.put(step)

    def _read(self, call: Any) -> None:
        try:
            for response in call:
                outcome = self._plan.read(response)
                with self._counting:
                    self._unanswered -= 1
                self._outcomes.put(outcome)
        except BaseException as error:  # noqa: BLE001 - raised where outcomes are taken
            self._outcomes.put(_End(error))
        else:
            self._outcomes.put(_End(None))
