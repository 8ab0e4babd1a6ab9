"""The costly steps of answering, each begun only while somebody waits for the answer, and counted."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final

__all__ = ["Stage", "Stages"]


class Stage(StrEnum):
    """A step that is not given up once it has begun."""

    DECODE = "decode"
    INFERENCE = "inference"
    SEARCH = "search"


class Stages:
    """How many steps were begun; safe to use from many threads."""

    def __init__(self) -> None:
        self._begun: Final = Counter[Stage]()
        self._lock: Final = threading.Lock()

    def begin(self, stage: Stage, still_wanted: Callable[[], None]) -> None:
        """Count a step that begins now, unless `still_wanted` raises: then nothing began."""
        still_wanted()
        with self._lock:
            self._begun[stage] += 1

    def counts(self) -> Mapping[Stage, int]:
        """Return the number of steps begun so far, of each stage."""
        with self._lock:
            return {stage: self._begun[stage] for stage in Stage}
