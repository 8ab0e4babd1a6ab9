"""What a tuning found."""

from dataclasses import dataclass
from typing import Any

from smserve.gallery.tuning.trial import Trial

__all__ = ["Limits", "TuningReport"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an index has to reach, and may cost.

    Attributes:
        recall: That the lower bound of recall@10's confidence interval must reach.
        memory_bytes: Of the index; None for any.
        latency_ms: 95th percentile of a search with one query; None for any.
    """

    recall: float
    memory_bytes: int | None = None
    latency_ms: float | None = None

    def misses(self, trial: Trial) -> str:
        """Return what a trial misses, in a word; empty where it fits."""
        if trial.recall.low < self.recall:
            return "recall"
        if self.memory_bytes is not None and trial.memory_bytes > self.memory_bytes:
            return "memory"
        if self.latency_ms is not None and trial.latency_ms > self.latency_ms:
            return "latency"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningReport:
    """What was measured, and what was chosen of it.

    Attributes:
        limits: What was asked for.
        trials: All of them, the fastest first.
        chosen: The fastest that fits; None where none does.
        item_count: Vectors of the gallery.
        dimension: D.
        queries: How the queries were made: "left out".
        seed: Of the queries and builds.
    """

    limits: Limits
    trials: tuple[Trial, ...]
    chosen: Trial | None
    item_count: int
    dimension: int
    seed: int
    queries: str = "left out"

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {
            "item_count": self.item_count,
            "dimension": self.dimension,
            "queries": self.queries,
            "seed": self.seed,
            "target_recall": self.limits.recall,
            "memory_bytes": self.limits.memory_bytes,
            "latency_ms": self.limits.latency_ms,
            "chosen": self.chosen.choice.to_dict() if self.chosen else None,
            "trials": [{**trial.to_dict(), "misses": self.limits.misses(trial)} for trial in self.trials],
        }
