"""What `smserve serve` was told to serve, as one thing to check, to open and to run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from smserve.cli.serving.galleries import ServedGalleries
from smserve.cli.serving.limits import Limits
from smserve.errors import InvalidInput

if TYPE_CHECKING:
    from smserve.embedder import InferenceSettings
    from smserve.engine import Engine
    from smserve.server import ServerSettings
    from smserve.server.memory import MemoryPrediction, MemoryReport
    from smserve.server.observing.traces import Traces

__all__ = ["Plan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Settings that go together.

    Attributes:
        settings: Of the server, or of each worker.
        model: Its model file.
        served: Galleries, and models beside it.
        limits: What it takes on at a time.
        inference: How models are run.
        workers: Processes that serve.
        pinned: Each of several keeps to its share of the cores.
    """

    settings: ServerSettings
    model: Path
    served: ServedGalleries
    limits: Limits
    inference: InferenceSettings
    workers: int
    pinned: bool = False

    def __post_init__(self) -> None:
        """Refuse what several processes can't serve.

        Raises:
            InvalidInput: A gallery's database is of one process at a time; or one process is to have a share of the
                cores.
        """
        if self.pinned and self.workers == 1:
            raise InvalidInput(
                "--pin-workers is about several processes; give --workers 2 or more", field="pin_workers"
            )
        embedded = [str(place) for place in self.served.embedded() if self.workers > 1]
        if embedded:
            raise InvalidInput(
                f"{embedded[0]} is opened by one process at a time, and --workers is {self.workers}; serve it with "
                f"--workers 1, or copy it to a folder or to a Milvus server with `smserve gallery copy`",
                field="workers",
            )

    @property
    def writes(self) -> bool:
        """Whether it writes to its galleries: several processes don't, since each gallery has one writer."""
        return not self.served.read_only and self.workers == 1

    def predict_memory(self) -> MemoryPrediction:
        """Return what it will take, of all processes together."""
        prediction = self._predict_each()
        return prediction if self.workers == 1 else prediction.of_workers(self.workers)

    def _predict_each(self) -> MemoryPrediction:
        from smserve.server.memory import predict_memory

        return predict_memory(
            self.settings,
            self.model,
            self.served.in_folders(),
            folder=self.served.folder,
            models=self.served.models,
            inference=self.inference,
            decoded_bytes_in_flight=self.limits.max_decoded_bytes,
        )

    def foresee(self) -> MemoryReport:
        """Log what it will take and what there is; returns that of each process.

        Raises:
            SmserveError: It can't fit.
        """
        from smserve.server.memory import MemoryReport, check_memory

        limit = self.limits.memory_limit()
        check_memory(self.predict_memory(), limit)
        return MemoryReport(prediction=self._predict_each(), limit=limit)

    def open_engine(self, *, writable: bool | None = None) -> Engine:
        """Load the model and open the galleries; see `smserve.server.open_engine`.

        Args:
            writable: Whether it may write to them; by default as planned.
        """
        from smserve.server import open_engine

        return open_engine(
            self.model,
            self.served.galleries,
            folder=self.served.folder,
            models=self.served.models,
            writable=self.writes if writable is None else writable,
            check_every=self.served.check_every,
            inference=self.inference,
            decoded_bytes_in_flight=self.limits.max_decoded_bytes,
        )

    def run(self, announce: Callable[[str, Sequence[str]], None], open_traces: Callable[[], Traces | None]) -> None:
        """Serve until told to stop.

        Args:
            announce: Called with HOST:PORT, and where metrics are, once it answers.
            open_traces: Makes what gets a span for each call.

        Raises:
            SmserveError: It can't serve.
        """
        from smserve.memory import share_one_heap
        from smserve.server import serve, supervise

        share_one_heap()  # before there are threads
        if self.workers > 1:
            supervise(
                self.workers,
                self.settings,
                self.open_engine,
                announce,
                foresee=self.foresee,
                open_traces=open_traces,
                pinned=self.pinned,
            )
            return

        serve(
            self.settings,
            self.open_engine,
            lambda server: announce(server.address, [server.metrics_url] if server.metrics_url else []),
            foresee=self.foresee,
            traces=open_traces(),
        )
