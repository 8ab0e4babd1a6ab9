"""What is measured: a handful of settings for each thing that can run a model."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from smserve.embedder import InferenceSettings

__all__ = ["KINDS", "Candidate", "candidates_of"]

KINDS: Final = (
    InferenceSettings(provider="cpu"),
    InferenceSettings(provider="openvino"),
    InferenceSettings(provider="openvino", precision="bfloat16"),
    InferenceSettings(provider="cuda"),
)
"""Provider and precision; the first computes what the others are compared with."""

_BATCH_ON_CPU: Final = 8
_BATCHES_ON_CUDA: Final = (1, 8, 32)
_MOST_IN_FLIGHT: Final = 1024  # as `smserve serve` takes it


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Settings of a server.

    Attributes:
        settings: How the model is run.
        max_in_flight: Calls that run at the same time.
    """

    settings: InferenceSettings
    max_in_flight: int

    def options(self) -> Mapping[str, str | int | float]:
        """Return them as options of `smserve serve`, by name without dashes in front."""
        return {
            "provider": self.settings.provider,
            "precision": self.settings.precision,
            "inference-threads": self.settings.threads_a_call,
            "max-batch": self.settings.batch,
            "max-batch-delay": self.settings.max_batch_delay_ms,
            "max-in-flight": self.max_in_flight,
        }


def candidates_of(kind: InferenceSettings, cores: int) -> Sequence[Candidate]:
    """Return what is measured of a provider and precision on a machine with so many cores.

    On a CPU: one thread a call up to all, with as many calls as keep the cores busy, and one more: without a server it
    is no faster, in one it is by a sixth, since calls wait for gRPC, too; and all threads for one batch at a time. On a
    GPU, the CPU only decodes: more calls, and larger batches.
    """
    return tuple(dict.fromkeys(_on_cuda(kind, cores) if kind.provider == "cuda" else _on_cpu(kind, cores)))


def _on_cuda(kind: InferenceSettings, cores: int) -> Iterator[Candidate]:
    for batch in _BATCHES_ON_CUDA:
        for many in (1, 2, 4):
            yield _candidate(kind, threads=1, batch=batch, in_flight=many * (cores + 1))


def _on_cpu(kind: InferenceSettings, cores: int) -> Iterator[Candidate]:
    threads = sorted({cores, *(1 << power for power in range(cores.bit_length()))})
    for each in threads:
        busy = -(-cores // each)  # calls that take all cores
        yield _candidate(kind, threads=each, batch=1, in_flight=busy + 1)
    yield _candidate(kind, threads=cores, batch=_BATCH_ON_CPU, in_flight=2 * cores)


def _candidate(kind: InferenceSettings, *, threads: int, batch: int, in_flight: int) -> Candidate:
    settings = replace(kind, threads=min(threads, 256), max_batch=batch)
    return Candidate(settings=settings, max_in_flight=min(in_flight, _MOST_IN_FLIGHT))
