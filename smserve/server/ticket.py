"""What waits for a place: a call, or a request of a stream."""

import math
import time
from abc import ABC, abstractmethod
from typing import Final

__all__ = ["Ticket"]


class Ticket(ABC):
    """One of those that `Admission` gives places to.

    Attributes:
        kind: Those of one kind take about the same time: the method's name.
        is_stream: A request of a stream.
        came: When, by `time.monotonic`; of a call, its message.
        deadline: Of the caller, on the same clock; infinite for none.
        expected_s: What it takes, as far as was known when it came.
        was_queued: It found no place free.
        began: When it began to run; NaN before.
    """

    def __init__(self, kind: str, remaining_s: float | None, *, is_stream: bool = False) -> None:
        """Begin to count time; until the caller's deadline `remaining_s` are left, None for no deadline."""
        self.kind: Final = kind
        self.is_stream: Final = is_stream
        self.came = time.monotonic()
        self.deadline: Final = math.inf if remaining_s is None else self.came + remaining_s
        self.expected_s = 0.0
        self.was_queued = False
        self.began = math.nan

    @property
    def waited_s(self) -> float:
        """How long it waited until it began; 0 where a place was free."""
        return self.began - self.came if self.was_queued else 0.0

    @abstractmethod
    def begin(self) -> None:
        """Begin to run: it has a place. Called on the thread that gave the place up; must neither wait nor raise."""
