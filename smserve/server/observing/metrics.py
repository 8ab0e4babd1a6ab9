"""What Prometheus is told of calls, steps and galleries as they happen; see docs/operations.md for what each means."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector

from smserve.engine.stages import Stage, StageListener, Step
from smserve.errors import InvalidImage
from smserve.gallery.events import GalleryListener, SwapResult
from smserve.images import Flaw
from smserve.server.events import CallBegun, CallEnded, Ending

__all__ = ["Metrics"]

_CALL_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120)
_STAGE_S: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
_COMMIT_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
_BATCH: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics(StageListener, GalleryListener):
    """Of one server, in a registry of its own; safe to use from many threads.

    No label has a value that a caller chose: methods are those that are served, everything else is of a fixed set.

    Attributes:
        registry: What a scrape reads.
    """

    def __init__(self) -> None:
        self.registry: Final = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests: Final = Counter(
            "smserve_rpc_requests_total",
            "Calls that have ended, by method and gRPC status code.",
            ["method", "code"],
            registry=self.registry,
        )
        self._durations: Final = Histogram(
            "smserve_rpc_duration_seconds",
            "From a call's begin to its end, answered or not.",
            ["method"],
            buckets=_CALL_S,
            registry=self.registry,
        )
        stages = Histogram(
            "smserve_stage_duration_seconds",
            "One step of answering: queue, decode, infer, search or payload.",
            ["stage"],
            buckets=_STAGE_S,
            registry=self.registry,
        )
        self._batches: Final = Histogram(
            "smserve_batch_size", "Pictures in one run of the model.", buckets=_BATCH, registry=self.registry
        )
        self._rejected: Final = Counter(
            "smserve_image_rejected_total", "Pictures that were not accepted.", ["reason"], registry=self.registry
        )
        self._commits: Final = Histogram(
            "smserve_commit_seconds", "Making a write durable.", buckets=_COMMIT_S, registry=self.registry
        )
        swaps = Counter(
            "smserve_generation_swaps_total",
            "Changes of the generation that a gallery is searched with.",
            ["result"],
            registry=self.registry,
        )
        for flaw in Flaw:
            self._rejected.labels(flaw.value)  # there from the start, so that the first one is an increase
        # Looking a child up by its labels takes as long as counting.
        self._by_stage: Final = {stage: stages.labels(stage.value) for stage in Stage}
        self._by_result: Final = {result: swaps.labels(result.value) for result in SwapResult}
        self._by_code: Final[dict[tuple[str, str], Counter]] = {}
        self._by_method: Final[dict[str, Histogram]] = {}

    def observe(self, begun: CallBegun) -> Ending:  # noqa: ARG002 - a call counts once it has ended
        """Count a call at its end; see `CallObserver`."""
        return self._ended

    def took(self, step: Step) -> None:
        """Measure a step."""
        self._by_stage[step.stage].observe(step.seconds)

    def batched(self, size: int) -> None:
        """Measure a run of the model."""
        self._batches.observe(size)

    def refused(self, error: InvalidImage) -> None:
        """Count a picture that was not accepted."""
        self._rejected.labels(error.flaw).inc()

    def committed(self, seconds: float) -> None:
        """Measure a write."""
        self._commits.observe(seconds)

    def swapped(self, result: SwapResult) -> None:
        """Count a swap."""
        self._by_result[result].inc()

    def _ended(self, ended: CallEnded) -> None:
        counter = self._by_code.get((ended.name, ended.code))
        if counter is None:
            counter = self._by_code[ended.name, ended.code] = self._requests.labels(ended.name, ended.code)
        counter.inc()
        durations = self._by_method.get(ended.name)
        if durations is None:
            durations = self._by_method[ended.name] = self._durations.labels(ended.name)
        durations.observe(ended.seconds)
