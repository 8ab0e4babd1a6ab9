"""How many streams are open: each holds threads, so there is an end to them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from smserve.errors import Overloaded, Unavailable
from smserve.server.refusals import Refusal, Refusals

__all__ = ["StreamPlaces"]


class StreamPlaces:
    """At most `most` at a time; a stream that finds no place is refused, since how long it would wait nobody knows."""

    def __init__(self, most: int, refusals: Refusals | None = None) -> None:
        self._most: Final = most
        self._refusals: Final = refusals or Refusals()
        self._open = 0
        self._closed = False
        self._changed: Final = threading.Condition()

    @property
    def open(self) -> int:
        """How many are."""
        return self._open

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Hold a place inside the block.

        Raises:
            Overloaded: All are taken.
            Unavailable: The server is shutting down.
        """
        with self._changed:
            if self._closed:
                self._refusals.add(Refusal.DRAINING)
                raise Unavailable("the server is shutting down; ask another one, or try again later")
            if self._open >= self._most:
                self._refusals.add(Refusal.STREAMS)
                raise Overloaded(
                    f"{self._open} streams are open, the most that this server has; end one, or try again later",
                    retry_after_s=2.0,
                )
            self._open += 1
        try:
            yield
        finally:
            with self._changed:
                self._open -= 1
                self._changed.notify_all()

    def close(self) -> None:
        """Refuse streams that come from now on."""
        self._closed = True

    def wait_until_idle(self, timeout_s: float) -> bool:
        """Wait until none is open, and return whether that was reached in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._open == 0, timeout_s)
