"""Measure what runs a model on this machine, and choose."""

import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Final, Protocol

import numpy as np

from smserve.embedder import Embedder, InferenceSettings
from smserve.errors import InvalidImage, InvalidInput, SmserveError
from smserve.tuning.candidates import KINDS, Candidate, candidates_of
from smserve.tuning.measuring import measure
from smserve.tuning.report import Limits, Refused, Trial, TuningReport, choose
from smserve.types import FloatArray

__all__ = ["TuningProgress", "tune"]

_ROUNDS: Final = 3  # each measures every candidate in turn, so that a machine that is busy for a while harms none alone
_DEFAULT_LIMITS: Final = Limits()


class TuningProgress(Protocol):
    """Told what is measured next, and how far that is."""

    def __call__(self, done: int, total: int, what: str, /) -> None:
        """Show it."""


def tune(
    model: Path,
    pictures: Sequence[bytes] = (),
    *,
    limits: Limits = _DEFAULT_LIMITS,
    seconds: float = 3.0,
    kinds: Sequence[InferenceSettings] = KINDS,
    progress: TuningProgress | None = None,
) -> TuningReport:
    """Measure a handful of settings for each provider and precision that this machine has, and choose the fastest.

    The fastest is the one that embeds most pictures a second, from their encoded bytes. A call alone must not take too
    long by it, and its embeddings must agree with those in float32 on the CPU.

    Args:
        model: The model file.
        pictures: Encoded, such as clients send; by default those of the model's self-check.
        limits: What may be chosen.
        seconds: How long each candidate is measured, over all rounds; a call alone is measured half as long.
        kinds: Providers and precisions; what this machine does not have is listed and left out.
        progress: Told how far it is.

    Raises:
        ModelDamaged: The model can't be used, not even on the CPU.
        InvalidInput: Not one of the pictures can be read, a limit is out of its range, or no kind can be measured.
    """
    _check(limits, seconds)
    reference = Embedder(model)
    readable, expected = _embedded(reference, pictures or [item.image for item in reference.manifest.self_check])
    cores = os.cpu_count() or 1
    embedders, candidates, refused = _opened(model, kinds, cores)
    rates: defaultdict[Candidate, list[float]] = defaultdict(list)
    latencies: defaultdict[InferenceSettings, list[float]] = defaultdict(list)
    total, done = _ROUNDS * len(candidates), 0
    for _ in range(_ROUNDS):
        alone = set(embedders)  # whose latency is still to be measured in this round
        for candidate in candidates:
            settings = candidate.settings
            embedder = embedders[settings]
            if progress is not None:
                progress(done, total, f"{embedder.provider}, {candidate.max_in_flight} in flight")
            if settings in alone:
                alone.remove(settings)
                calls = measure(embedder, readable, callers=1, seconds=seconds / _ROUNDS / 2)
                latencies[settings].append(calls.p95_ms)
            calls = measure(embedder, readable, callers=candidate.max_in_flight, seconds=seconds / _ROUNDS)
            rates[candidate].append(calls.per_second)
            done += 1
    if progress is not None:
        progress(total, total, "")
    cosines = {settings: _smallest_cosine(each, readable, expected) for settings, each in embedders.items()}
    trials = [
        Trial(
            candidate=candidate,
            runs_on=embedders[candidate.settings].provider,
            pictures_per_s=median(rates[candidate]),
            latency_ms=median(latencies[candidate.settings]),
            cosine=cosines[candidate.settings],
        )
        for candidate in candidates
    ]
    trials.sort(key=lambda trial: -trial.pictures_per_s)
    return TuningReport(
        model_name=reference.manifest.name,
        model_fingerprint=reference.fingerprint,
        cores=cores,
        pictures=len(readable),
        limits=limits,
        trials=tuple(trials),
        refused=tuple(refused),
        chosen=choose(trials, limits),
    )


def _check(limits: Limits, seconds: float) -> None:
    for name, value, above in (
        ("latency_ms", limits.latency_ms, 0),
        ("latency_factor", limits.latency_factor, 1),
        ("seconds", seconds, 0),
    ):
        if value is not None and not value > above:
            raise InvalidInput(f"{name} is {value}; wanted more than {above}", field=name)


def _embedded(embedder: Embedder, pictures: Sequence[bytes]) -> tuple[list[bytes], FloatArray]:
    """Return those that can be read, and their embeddings (N, D)."""
    readable, vectors = [], []
    reason = "there is none"
    for picture in pictures:
        try:
            pixels = embedder.prepare(picture)
        except InvalidImage as error:
            reason = error.message
            continue
        readable.append(picture)
        vectors.append(embedder.embed(pixels[np.newaxis]))
    if not readable:
        raise InvalidInput(f"none of {len(pictures)} pictures can be read; the last: {reason}", field="images")
    return readable, np.concatenate(vectors)


def _opened(
    model: Path, kinds: Sequence[InferenceSettings], cores: int
) -> tuple[dict[InferenceSettings, Embedder], list[Candidate], list[Refused]]:
    """Load the model once for each of the settings, warm; returns the candidates that can be measured."""
    embedders: dict[InferenceSettings, Embedder] = {}
    candidates: list[Candidate] = []
    refused: list[Refused] = []
    for kind in kinds:
        try:
            for candidate in (of_kind := candidates_of(kind, cores)):
                if candidate.settings not in embedders:
                    embedders[candidate.settings] = Embedder(model, candidate.settings)
                    embedders[candidate.settings].warm_up((1,))
        except SmserveError as error:  # it is not installed, not in this machine, or fails the self-check
            refused.append(Refused(provider=kind.provider, precision=kind.precision, reason=error.message))
        else:
            candidates += of_kind
    if not candidates:
        raise InvalidInput(f"nothing can be measured: {refused[0].reason if refused else 'no kind'}", field="provider")
    return embedders, candidates, refused


def _smallest_cosine(embedder: Embedder, pictures: Sequence[bytes], expected: FloatArray) -> float:
    found = np.concatenate([embedder.embed(embedder.prepare(picture)[np.newaxis]) for picture in pictures])
    return float((found * expected).sum(axis=1).min())
