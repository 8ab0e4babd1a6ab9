"""How fast a model answers calls at the same time: decoding, resizing and embedding a picture each."""

import itertools
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np

from smserve.embedder import Embedder

__all__ = ["Calls", "measure"]

_START_TIMEOUT_S: Final = 60.0
_BEHIND_TIMEOUT_S: Final = 600.0  # for a call that was begun in time to end


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """Calls that were answered.

    Attributes:
        durations_s: Of each.
        elapsed_s: From the start of the first to the end of the last.
    """

    durations_s: Sequence[float]
    elapsed_s: float

    @property
    def per_second(self) -> float:
        """Throughput."""
        return len(self.durations_s) / self.elapsed_s

    @property
    def p95_ms(self) -> float:
        """The 95th percentile of their durations."""
        return float(np.percentile(self.durations_s, 95)) * 1000


def measure(embedder: Embedder, pictures: Sequence[bytes], *, callers: int, seconds: float) -> Calls:
    """Call as a server does, with `callers` threads for so long; each calls once at least.

    Args:
        embedder: The model.
        pictures: Encoded; asked in turn.
        callers: Calls at the same time.
        seconds: No call begins later.
    """
    turns = itertools.cycle(pictures)
    together = threading.Barrier(callers)
    taking = threading.Lock()

    def call() -> tuple[float, float, list[float]]:
        together.wait(_START_TIMEOUT_S)
        durations: list[float] = []
        started = ended = time.perf_counter()
        while not durations or ended - started < seconds:
            with taking:
                picture = next(turns)
            begun = time.perf_counter()
            embedder.embed(embedder.prepare(picture)[np.newaxis])
            ended = time.perf_counter()
            durations.append(ended - begun)
        return started, ended, durations

    with ThreadPoolExecutor(callers, thread_name_prefix="call") as pool:
        running = [pool.submit(call) for _ in range(callers)]
        answers = [each.result(_START_TIMEOUT_S + seconds + _BEHIND_TIMEOUT_S) for each in running]
    starts, ends, durations = zip(*answers, strict=True)
    return Calls(durations_s=list(itertools.chain.from_iterable(durations)), elapsed_s=max(ends) - min(starts))
