"""One stream of requests, from its first to its end."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final

import grpc

from smserve.engine import StillWanted
from smserve.errors import InternalError, SmserveError, Unavailable
from smserve.service.interest import remaining_s, still_wanted
from smserve.service.turns import Turns
from smserve.wire.size import check_size

__all__ = ["Answer", "Refusal", "Stream"]

_log: Final = logging.getLogger(__name__)
_POLL_S: Final = 0.1  # how soon a stream without answers to send notices that the server is shutting down

Answer = Callable[[Any, StillWanted], Any]
"""Turns one request into its response message; raises SmserveError for a refusal."""

Refusal = Callable[[int, SmserveError], Any]
"""Makes the response message of a request that is refused, from its sequence number."""

Run = Callable[[Callable[[], None]], None]
"""Has work done, at once or aside."""


class Stream:
    """Two threads serve it: one reads requests and sees that they are answered, one sends the answers."""

    def __init__(
        self, turns: Turns, context: grpc.ServicerContext, *, kind: str, answer: Answer, refusal: Refusal, most: int
    ) -> None:
        self._turns: Final = turns
        self._context: Final = context
        self._kind: Final = kind
        self._answer: Final = answer
        self._refusal: Final = refusal
        self._still_wanted: Final = still_wanted(context)
        self._room: Final = threading.Semaphore(most)
        self._answers: Final[queue.SimpleQueue[Any]] = queue.SimpleQueue()
        self._lock: Final = threading.Lock()
        self._unanswered = 0
        self._failure: SmserveError | None = None  # of a request that could not even be read
        self._is_read = False  # no further request comes
        self._is_cut = False  # one came that was not taken on: the server is shutting down
        self._is_over = False  # no further answer is sent

    def read(self, requests: Iterator[Any], run: Run) -> None:
        """Read requests until there are no more, and see that each is answered; the reading thread's work."""
        try:
            while self._wait_for_room():
                request = next(requests, None)
                if request is None or not self._accept():
                    return
                self._begin(request, run)
                del request  # while the next one is waited for
        except grpc.RpcError:
            pass  # the call is over
        except SmserveError as error:
            self._failure = error.as_outcome()
        except Exception:  # noqa: BLE001 - nobody waits for this thread who could be told
            _log.exception("the requests of a stream could not be read")
        finally:
            with self._lock:
                self._is_read = True
            self._answers.put(None)  # wakes the sender

    def answers(self) -> Iterator[Any]:
        """Yield answers until all are sent, or the stream ends otherwise; the sending thread's work."""
        try:
            while True:
                try:
                    answer = self._answers.get(timeout=_POLL_S)
                except queue.Empty:
                    answer = None
                self._still_wanted()
                if answer is not None:
                    yield answer
                    with self._lock:
                        self._unanswered -= 1
                    self._room.release()
                elif self._is_done():
                    return
        finally:
            self.end()

    def end(self) -> None:
        """Take no further request on and send no further answer; twice is harmless."""
        with self._lock:
            self._is_over = True
        self._room.release()  # the reader may wait for it
        self._answers.put(None)

    def _is_done(self) -> bool:
        """Whether all that was read is answered, and no more is read.

        Raises:
            Unavailable: No more is read because the server is shutting down.
            SmserveError: No more is read because a request could not be.
        """
        with self._lock:
            if self._unanswered or not self._answers.empty():
                return False
            if self._failure is not None:
                try:
                    raise self._failure
                finally:
                    self._failure = None  # the call's from here on
            if self._is_read and not self._is_cut:
                return True
            if self._turns.is_closed:
                self._is_over = True
                raise Unavailable("the server is shutting down; send what is unanswered to another one, or again later")
            return self._is_over

    def _wait_for_room(self) -> bool:
        self._room.acquire()
        return not self._is_over

    def _accept(self) -> bool:
        """Take a request on, unless the stream has ended meanwhile: an answer is owed from here on."""
        with self._lock:
            if self._is_over or self._turns.is_closed:
                self._is_cut = True
                return False
            self._unanswered += 1
            return True

    def _begin(self, request: Any, run: Run) -> None:
        try:
            leave = self._turns.enter(
                self._still_wanted, remaining_s=remaining_s(self._context), kind=self._kind, is_stream=True
            )
        except SmserveError as error:
            self._answers.put(self._refusal(request.sequence, error))
            return

        def work() -> None:
            try:
                answer = self._answered(request)
            finally:
                leave()
            self._answers.put(answer)

        try:
            run(work)
        except RuntimeError:  # the threads are gone: the server has stopped
            leave()

    def _answered(self, request: Any) -> Any:
        try:
            answer = self._answer(request, self._still_wanted)
            check_size(answer)
        except SmserveError as error:
            return self._refusal(request.sequence, error)
        except Exception:  # noqa: BLE001 - the last line of defence: a bug ends this request, not the stream
            _log.exception("%s sequence=%d failed with a bug:", self._kind, request.sequence)
            bug = InternalError("smserve failed at this request; the server's log has the details")
            return self._refusal(request.sequence, bug)
        return answer
