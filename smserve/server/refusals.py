"""How many calls were turned away, and why."""

import threading
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

__all__ = ["Refusal", "Refusals"]


class Refusal(StrEnum):
    """Why a call was not let in."""

    QUEUE_FULL = "queue_full"
    """As many wait already as may."""
    DEADLINE = "deadline"
    """Its answer would have come too late."""
    WAIT = "wait"
    """It waited as long as may be waited."""
    STREAMS = "streams"
    """As many streams are open as may be."""
    DRAINING = "draining"
    """The server is shutting down."""


class Refusals:
    """Counts them; safe to use from many threads."""

    def __init__(self) -> None:
        self._counts: Final = Counter[Refusal]()
        self._lock: Final = threading.Lock()

    def add(self, refusal: Refusal) -> None:
        """Count one more."""
        with self._lock:
            self._counts[refusal] += 1

    def counts(self) -> Mapping[Refusal, int]:
        """Return how many there were, of each kind."""
        with self._lock:
            return {refusal: self._counts[refusal] for refusal in Refusal}
