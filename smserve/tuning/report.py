"""What was measured, and which of it is chosen."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from smserve.model_file import SELF_CHECK_MIN_COSINE
from smserve.tuning.candidates import Candidate

__all__ = ["Limits", "Refused", "Trial", "TuningReport", "choose"]

_AS_FAST: Final = 0.97
"""Of the greatest throughput: what differs by less is as fast, within what such measurements vary by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A candidate, measured.

    Attributes:
        candidate: The settings.
        runs_on: As `smserve info` would show it.
        pictures_per_s: With `max_in_flight` calls at the same time; the median of the rounds.
        latency_ms: 95th percentile of a call alone; the median of the rounds.
        cosine: The smallest of a picture's embedding to that in float32 on the CPU.
    """

    candidate: Candidate
    runs_on: str
    pictures_per_s: float
    latency_ms: float
    cosine: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What may be chosen.

    Attributes:
        latency_ms: Largest 95th percentile of a call alone; None for `latency_factor` times the smallest one measured.
        latency_factor: Above 1.
    """

    latency_ms: float | None = None
    latency_factor: float = 2.0

    def latency_of(self, trials: Sequence[Trial]) -> float:
        """Return the limit on the latency, given all that was measured."""
        if self.latency_ms is not None:
            return self.latency_ms
        return self.latency_factor * min((trial.latency_ms for trial in trials if agrees(trial)), default=0.0)


def agrees(trial: Trial) -> bool:
    """Whether its embeddings are near enough to those in float32 on the CPU."""
    return trial.cosine >= SELF_CHECK_MIN_COSINE


def choose(trials: Sequence[Trial], limits: Limits) -> Trial | None:
    """Return the fastest that agrees and keeps the limit on latency; None where none does.

    Of those that are as fast, the one with the smallest latency, then the one with the fewest calls in flight.
    """
    latency = limits.latency_of(trials)
    fit = [trial for trial in trials if agrees(trial) and trial.latency_ms <= latency]
    if not fit:
        return None
    fastest = max(trial.pictures_per_s for trial in fit)
    as_fast = [trial for trial in fit if trial.pictures_per_s >= _AS_FAST * fastest]
    return min(as_fast, key=lambda trial: (trial.latency_ms, trial.candidate.max_in_flight))


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A provider and precision that could not be measured, and why."""

    provider: str
    precision: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningReport:
    """All of it.

    Attributes:
        model_name: For people.
        model_fingerprint: sha256 of the model file.
        cores: Of this machine.
        pictures: How many were asked.
        limits: What was asked for.
        trials: The fastest first.
        refused: What this machine can't do.
        chosen: One of the trials; None where none keeps the limits.
    """

    model_name: str
    model_fingerprint: str
    cores: int
    pictures: int
    limits: Limits
    trials: tuple[Trial, ...]
    refused: tuple[Refused, ...]
    chosen: Trial | None

    def misses(self, trial: Trial) -> str:
        """Return what a trial misses, in a word; empty where it fits."""
        if not agrees(trial):
            return "agreement"
        return "latency" if trial.latency_ms > self.limits.latency_of(self.trials) else ""

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {
            "model_name": self.model_name,
            "model_fingerprint": self.model_fingerprint,
            "cores": self.cores,
            "pictures": self.pictures,
            "latency_limit_ms": self.limits.latency_of(self.trials),
            "chosen": dict(self.chosen.candidate.options()) if self.chosen else None,
            "trials": [
                {
                    **trial.candidate.options(),
                    "runs_on": trial.runs_on,
                    "pictures_per_s": round(trial.pictures_per_s, 2),
                    "latency_p95_ms": round(trial.latency_ms, 3),
                    "cosine": trial.cosine,
                    "misses": self.misses(trial),
                }
                for trial in self.trials
            ],
            "refused": [asdict(each) for each in self.refused],
        }
