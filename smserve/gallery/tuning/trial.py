"""Build one candidate and measure it: recall first, then speed at the gentlest setting that reaches the target."""

import bisect
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

import numpy as np

from smserve.gallery.index import IndexChoice, VectorIndex, using_threads
from smserve.gallery.tuning.candidates import Candidate, second_looks
from smserve.gallery.tuning.queries import MeasuredQueries
from smserve.gallery.tuning.recall import Recall, recall_of
from smserve.types import FloatArray

__all__ = ["Trial", "measure_recall", "try_candidate"]

_ROUNDS: Final = 3
_ROUND_S: Final = 0.2  # at least; a round searches with each query at most once


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What was measured of one index, searched with one set of settings.

    Attributes:
        choice: The index and its settings.
        recall: On the queries of the tuning.
        build_s: Seconds that training and adding took.
        memory_bytes: Of the index, in memory and on disk.
        qps_1: Queries a second, one a call, on one thread: of its processor time, so that other processes don't count.
        qps_64: The same, 64 a call.
        latency_ms: 95th percentile of a call with one query, by the clock.
    """

    choice: IndexChoice
    recall: Recall
    build_s: float
    memory_bytes: int
    qps_1: float
    qps_64: float
    latency_ms: float

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {
            **self.choice.to_dict(),
            "recall": self.recall.to_dict(),
            "build_s": round(self.build_s, 2),
            "memory_bytes": self.memory_bytes,
            "qps_1": round(self.qps_1),
            "qps_64": round(self.qps_64),
            "latency_p95_ms": round(self.latency_ms, 3),
        }


def try_candidate(
    candidate: Candidate, measured: MeasuredQueries, *, target: float, seed: int, threads: int
) -> Sequence[Trial]:
    """Build a candidate; return a trial a ladder, at the first rung whose recall is surely the target, else the last.

    An IVF is tried with second looks, too, beside the best of its trials without.

    Args:
        candidate: The index and the ladders of its settings.
        measured: Queries, their truth, and what is indexed.
        target: The lower bound that recall's interval is to reach.
        seed: Of the build.
        threads: That build.
    """
    started = time.perf_counter()
    index = VectorIndex.build(measured.vectors, candidate.choice, seed=seed, threads=threads)
    build_s, memory_bytes = time.perf_counter() - started, index.size_bytes()

    def climbed(ladder: Sequence[IndexChoice]) -> Trial:
        rung, recall = _climb(index, measured, ladder, target)
        tuned = index.with_settings(rung)
        qps_1, latency_ms = _speed(tuned, measured, batch=1)
        qps_64, _ = _speed(tuned, measured, batch=64)
        return Trial(
            choice=rung,
            recall=recall,
            build_s=build_s,
            memory_bytes=memory_bytes,
            qps_1=qps_1,
            qps_64=qps_64,
            latency_ms=latency_ms,
        )

    trials = [climbed(ladder) for ladder in candidate.ladders]
    best = max(trials, key=lambda trial: (min(trial.recall.low, target), trial.qps_1))
    return trials + [climbed(ladder) for ladder in second_looks(best.choice, measured.kth_scores)]


def _climb(
    index: VectorIndex, measured: MeasuredQueries, ladder: Sequence[IndexChoice], target: float
) -> tuple[IndexChoice, Recall]:
    """Return the first rung that surely reaches the target, or the last one, and its recall."""
    seen: dict[IndexChoice, Recall] = {}

    def reaches(choice: IndexChoice) -> bool:
        seen[choice] = measure_recall(index.with_settings(choice), measured, exact=choice.is_exact)
        return seen[choice].low >= target

    rung = ladder[min(bisect.bisect_left(ladder, True, key=reaches), len(ladder) - 1)]
    return rung, seen[rung]


def measure_recall(index: VectorIndex, measured: MeasuredQueries, *, exact: bool = False) -> Recall:
    """Search for all queries, and compare with the truth; `exact` says that the index compares with every vector."""
    if exact:
        return Recall.certain(len(measured.queries), measured.k)
    found = index.search(measured.queries, measured.k)
    return recall_of(found, measured.kth_scores, measured.queries, measured.vectors, measured.k)


def _speed(index: VectorIndex, measured: MeasuredQueries, *, batch: int) -> tuple[float, float]:
    """Return queries a second of processor time, and the 95th percentile of a call in ms by the clock."""
    queries = measured.queries
    calls = [queries[start : start + batch] for start in range(0, len(queries), batch)]
    rates, clock_s = [], []
    with using_threads(1):
        for _ in range(_ROUNDS):
            rate, lasted = _round(lambda call: index.search(call, measured.k), calls)
            rates.append(rate)
            clock_s += lasted
    return median(rates), float(np.percentile(clock_s, 95)) * 1000


def _round(search: Callable[[FloatArray], object], calls: Sequence[FloatArray]) -> tuple[float, list[float]]:
    done, clock_s = 0, []
    began = time.thread_time()
    for call in calls:
        started = time.perf_counter()
        search(call)
        clock_s.append(time.perf_counter() - started)
        done += len(call)
        if time.thread_time() - began > _ROUND_S and len(clock_s) > 1:
            break
    return done / max(time.thread_time() - began, 1e-9), clock_s
