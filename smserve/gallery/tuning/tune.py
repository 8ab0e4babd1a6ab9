"""Choose an index by measuring it on the gallery's own vectors."""

import os
from collections.abc import Sequence
from typing import Final, Protocol

from smserve.errors import InvalidInput
from smserve.gallery.index import EXACT
from smserve.gallery.tuning.candidates import candidate_for, candidates_for
from smserve.gallery.tuning.queries import left_out
from smserve.gallery.tuning.report import Limits, TuningReport
from smserve.gallery.tuning.trial import Trial, try_candidate
from smserve.types import FloatArray

__all__ = ["EXACT_BELOW", "TuningProgress", "tune"]

EXACT_BELOW: Final = 20_000
"""Vectors below which a gallery is searched exactly: a search of 20,000 x 64 takes a tenth of a millisecond (measured:
docs/gallery.md), far less than embedding its picture."""

_LEAST_VECTORS: Final = 2
_QUERIES: Final = 1000


class TuningProgress(Protocol):
    """Told what is measured next, and how far that is."""

    def __call__(self, done: int, total: int, index: str, /) -> None:
        """Show it."""


def tune(
    vectors: FloatArray,
    *,
    recall: float = 0.99,
    memory_bytes: int | None = None,
    latency_ms: float | None = None,
    indexes: Sequence[str] = (),
    graphs: bool = True,
    queries: int = _QUERIES,
    seed: int = 0,
    threads: int | None = None,
    exact_below: int = EXACT_BELOW,
    progress: TuningProgress | None = None,
) -> TuningReport:
    """Measure a handful of indexes, and choose the fastest that surely reaches the recall within the limits.

    Recall@10 is measured with vectors that are left out of the indexes, against exact search; an index counts when the
    lower end of the 95 % interval reaches the target. The fastest is the one with most queries a second at one query a
    call, which is how a server searches.

    Args:
        vectors: (N, D) float32, unit norm; may be mapped from a file.
        recall: The target, in (0, 1].
        memory_bytes: Largest size of the index; None for any.
        latency_ms: Largest 95th percentile of a search with one query; None for any.
        indexes: FAISS index strings to measure instead of our handful.
        graphs: Measure HNSW, too, which is slow to build.
        queries: How many to leave out; at most a tenth of the vectors are.
        seed: Of the queries and builds.
        threads: That build; the number of cores by default. Searches run on one, as the server's do.
        exact_below: Vectors below which exact search alone is measured.
        progress: Told how far it is.

    Raises:
        InvalidInput: A limit is out of its range, an index none that a gallery can have, or there are no two vectors.
    """
    limits = _checked(recall, memory_bytes, latency_ms, queries)
    if len(vectors) < _LEAST_VECTORS:
        raise InvalidInput(
            f"the gallery has {len(vectors)} vectors, tuning needs at least {_LEAST_VECTORS}; add some", field="vectors"
        )
    if indexes:
        candidates = [candidate_for(index) for index in indexes]
    elif len(vectors) < exact_below:
        candidates = [candidate_for(EXACT)]
    else:
        candidates = list(candidates_for(len(vectors), vectors.shape[1], graphs=graphs))
    measured = left_out(vectors, max(1, min(queries, len(vectors) // 10)), seed)
    trials: list[Trial] = []
    for done, candidate in enumerate(candidates):
        if progress is not None:
            progress(done, len(candidates), str(candidate.choice))
        trials += try_candidate(
            candidate, measured, target=limits.recall, seed=seed, threads=threads or os.cpu_count() or 1
        )
    if progress is not None:
        progress(len(candidates), len(candidates), "")
    trials.sort(key=lambda trial: -trial.qps_1)
    chosen = next((trial for trial in trials if not limits.misses(trial)), None)
    return TuningReport(
        limits=limits,
        trials=tuple(trials),
        chosen=chosen,
        item_count=len(vectors),
        dimension=vectors.shape[1],
        seed=seed,
    )


def _checked(recall: float, memory_bytes: int | None, latency_ms: float | None, queries: int) -> Limits:
    if not 0 < recall <= 1:
        raise InvalidInput(f"recall is {recall}; it is more than 0 and at most 1", field="recall")
    for name, value in (("memory_bytes", memory_bytes), ("latency_ms", latency_ms), ("queries", queries)):
        if value is not None and not value > 0:
            raise InvalidInput(f"{name} is {value}; it is more than 0", field=name)
    return Limits(recall=recall, memory_bytes=memory_bytes, latency_ms=latency_ms)
