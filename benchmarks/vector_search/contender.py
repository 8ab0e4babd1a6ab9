"""A side of the comparison: builds its indexes, tunes each to a recall, and is timed when it is its turn.

It runs in a process of its own, told what to do by lines of JSON: see `serve`.
"""

import bisect
import json
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.vector_search.data import Data

__all__ = ["EFFORTS", "Contender", "serve"]

EFFORTS: Final = tuple(sorted({round(1.1**power) for power in range(74)}))  # 1 to 1051, a tenth apart
_TRIED_S = 0.3  # to find the faster of a side's own indexes


class Contender(ABC):
    """One side; its efforts are ef of a graph, or the lists that are looked into."""

    @abstractmethod
    def build(self, data: Data, recalls: Sequence[float]) -> Sequence[str]:
        """Build all that is to be tried, and return the names."""

    @abstractmethod
    def use(self, name: str, effort: int, threads: int) -> None:
        """Search so from now on."""

    @abstractmethod
    def search_one(self, query: NDArray[np.float32]) -> Any:
        """Find 10 neighbours of (1, 64), in the form that the library's users get them."""

    @abstractmethod
    def search_many(self, queries: NDArray[np.float32]) -> Any:
        """Find 10 neighbours each of (Q, 64)."""

    @abstractmethod
    def positions(self, queries: NDArray[np.float32]) -> NDArray[np.int64]:
        """Find 10 neighbours each of (Q, 64), as positions (Q, 10)."""


class _Timed:
    """A contender with what it was tuned to."""

    def __init__(self, contender: Contender, data: Data, names: Sequence[str]) -> None:
        self.contender, self.data, self.names = contender, data, names
        self.chosen: dict[tuple[float, int], tuple[str, int]] = {}

    def tune(self, recall: float, batch: int, threads: int) -> dict[str, Any]:
        """Find the fastest of the indexes, each at the smallest effort that reaches the recall."""
        best: tuple[float, str, int, float] | None = None
        for name in self.names:
            rung = bisect.bisect_left(EFFORTS, recall, key=lambda effort: self._recall(name, effort, threads))
            if rung == len(EFFORTS):
                continue
            measured = self._recall(name, EFFORTS[rung], threads)
            rate = self._rate(batch, _TRIED_S)
            if best is None or rate > best[0]:
                best = (rate, name, EFFORTS[rung], measured)
        if best is None:
            raise ValueError(f"no index of {', '.join(self.names)} reaches recall {recall}")
        self.chosen[recall, batch] = best[1:3]
        return {"index": best[1], "effort": best[2], "recall": best[3]}

    def run(self, recall: float, batch: int, threads: int, seconds: float) -> dict[str, Any]:
        """Search for as long, and return queries a second of processor time."""
        self.contender.use(*self.chosen[recall, batch], threads)
        self._rate(batch, seconds / 4)
        return {"qps": self._rate(batch, seconds)}

    def _recall(self, name: str, effort: int, threads: int) -> float:
        self.contender.use(name, effort, threads)
        return self.data.recall(self.contender.positions(self.data.queries))

    def _rate(self, batch: int, seconds: float) -> float:
        queries = self.data.queries
        search = self.contender.search_one if batch == 1 else self.contender.search_many
        calls = [queries[start : start + batch] for start in range(0, len(queries) - batch + 1, batch)]
        done, started = 0, time.process_time()
        while time.process_time() - started < seconds:
            for call in calls[done // batch % len(calls) :]:
                search(call)
                done += batch
                if time.process_time() - started >= seconds:
                    break
        return done / (time.process_time() - started)


def serve(contender: Contender, data: Data, recalls: Sequence[float]) -> None:
    """Answer each line {"do": "tune" or "run", ...} of standard input with one of standard output."""
    started = time.perf_counter()
    timed = _Timed(contender, data, contender.build(data, recalls))
    print(json.dumps({"build_s": time.perf_counter() - started, "indexes": list(timed.names)}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        do = timed.tune if asked.pop("do") == "tune" else timed.run
        print(json.dumps(do(**asked)), flush=True)
