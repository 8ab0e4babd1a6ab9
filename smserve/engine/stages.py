"""The steps of answering: counted, timed, and begun only while somebody waits for the answer."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from enum import StrEnum
from types import TracebackType
from typing import Final, Self

from smserve.errors import InvalidImage

__all__ = ["Stage", "StageListener", "Stages", "Step"]


class Stage(StrEnum):
    """What a step is about."""

    QUEUE = "queue"
    """Waiting for a place to run in, or for memory to decode in."""
    DECODE = "decode"
    """One picture: decoded and resized."""
    INFERENCE = "infer"
    """A run of the model on pictures of one call, waiting to be run with those of others included."""
    SEARCH = "search"
    """The nearest neighbours of one query, or of several that are asked alike."""
    PAYLOAD = "payload"
    """Reading the rows of what was found."""


class Step:
    """One step, that runs inside the block and is told of at its end.

    Attributes:
        stage: What it is about.
        size: Pictures or queries in it.
        began: By `time.perf_counter`.
        seconds: How long it took, once it has ended.
    """

    __slots__ = ("_stages", "began", "seconds", "size", "stage")

    def __init__(self, stages: Stages, stage: Stage, size: int) -> None:
        self._stages = stages
        self.stage = stage
        self.size = size
        self.began = 0.0
        self.seconds = 0.0

    def __enter__(self) -> Self:
        self.began = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.seconds = max(0.0, time.perf_counter() - self.began - self.seconds)
        self._stages.tell(self)

    def leave_out(self, seconds: float) -> None:
        """Count a part of the block to another step."""
        self.seconds += seconds


class StageListener:
    """Is told of steps, on the thread that took them; what it does not want to know it leaves as it is here."""

    def took(self, step: Step) -> None:
        """Be told of a step that has ended, with an answer or an error."""

    def batched(self, size: int) -> None:
        """Be told of a run of the model, and how many pictures it is of; one call's or several calls'."""

    def refused(self, error: InvalidImage) -> None:
        """Be told of a picture that was not accepted, before its decoding or within it."""


class Stages:
    """Safe to use from many threads, but for `listen`, which comes first."""

    def __init__(self) -> None:
        self._begun: Final = Counter[Stage]()
        self._listeners: tuple[StageListener, ...] = ()
        self._lock: Final = threading.Lock()

    def listen(self, listener: StageListener) -> None:
        """Tell one more of what comes."""
        self._listeners += (listener,)

    def step(self, stage: Stage, still_wanted: Callable[[], None], *, size: int = 1) -> Step:
        """Count a step and return it, to be entered at once, unless `still_wanted` raises: then nothing began."""
        still_wanted()
        with self._lock:
            self._begun[stage] += 1
        return Step(self, stage, size)

    def passed(self, stage: Stage, seconds: float) -> None:
        """Tell of a step that ends now and took so long; `counts` knows nothing of it."""
        if self._listeners:
            step = Step(self, stage, 1)
            step.began, step.seconds = time.perf_counter() - seconds, seconds
            self.tell(step)

    def tell(self, step: Step) -> None:
        """Tell the listeners of a step that has ended."""
        for listener in self._listeners:
            listener.took(step)

    def batch(self, size: int) -> None:
        """Tell them of a run of the model on so many pictures."""
        for listener in self._listeners:
            listener.batched(size)

    def refuse(self, error: InvalidImage) -> None:
        """Tell them of a picture that is not accepted."""
        for listener in self._listeners:
            listener.refused(error)

    def counts(self) -> Mapping[Stage, int]:
        """Return the number of steps begun so far, of each stage that costs."""
        with self._lock:
            return {stage: self._begun[stage] for stage in (Stage.DECODE, Stage.INFERENCE, Stage.SEARCH)}
