"""Streams of requests: each is answered like a call of its own, with the sequence number that it came with.

Two threads serve a stream: the one that gRPC gives it sends answers, one of its own reads requests and takes the places
that they run in. An idle stream holds no place; a client that doesn't read its answers stops its own stream alone.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final

import grpc

from smserve.engine import call_threads
from smserve.service.stream import Answer, Refusal, Stream
from smserve.service.turns import Turns

__all__ = ["Answer", "Streams", "Turns"]


class Streams:
    """Serves streams; safe to use from many threads."""

    def __init__(self, turns: Turns, *, max_requests: int, threads: int) -> None:
        """Begin without any.

        Args:
            turns: Gives places to requests.
            max_requests: Of one stream that are unanswered; no further ones are read meanwhile.
            threads: That answer requests; as many as there are places, more would never be busy.
        """
        self._turns: Final = turns
        self._max_requests: Final = max_requests
        self._pool: Final = call_threads(threads, "smserve-stream")

    def serve(
        self,
        requests: Iterator[Any],
        context: grpc.ServicerContext,
        *,
        kind: str,
        answer: Answer,
        refusal: Refusal,
        in_order: bool,
    ) -> Iterator[Any]:
        """Yield an answer to each request of a stream.

        Args:
            requests: The client's; messages with a `sequence`.
            context: The call's.
            kind: Of the requests, see `Turns.enter`.
            answer: Answers one.
            refusal: Tells one that it is refused; the stream goes on.
            in_order: Begin a request only once the one before is answered.

        Raises:
            Unavailable: The server is shutting down; what was read before has been answered.
            DeadlineExceeded: The stream's deadline passed.
            Cancelled: The client is gone.
        """
        stream = Stream(self._turns, context, kind=kind, answer=answer, refusal=refusal, most=self._max_requests)
        run = _run_here if in_order else self._run_aside
        if not context.add_callback(stream.end):  # over already
            stream.end()
        surroundings = contextvars.copy_context()  # what is logged and traced there is of this call, too
        reader = threading.Thread(
            target=surroundings.run, args=(stream.read, requests, run), name="smserve-reader", daemon=True
        )
        reader.start()
        return stream.answers()

    def close(self) -> None:
        """Let go of the threads; streams must have ended."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _run_aside(self, work: Callable[[], None]) -> None:
        self._pool.submit(contextvars.copy_context().run, work)


def _run_here(work: Callable[[], None]) -> None:
    work()
