"""All that watches a server, and where it hears from: calls, the engine's steps, its galleries."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from smserve.engine import Engine
from smserve.engine.stages import Stage, Stages
from smserve.errors import SmserveError
from smserve.server.events import CallObserver
from smserve.server.load import Load
from smserve.server.observing.call_log import log_call

if TYPE_CHECKING:
    from smserve.server.observing.collecting import ServerCollector
    from smserve.server.observing.exposition import MetricsEndpoint
    from smserve.server.observing.metrics import Metrics
    from smserve.server.observing.traces import Traces

__all__ = ["Observation", "open_traces"]

_POLL_S: Final = 0.1  # how soon who hurries is noticed


def open_traces() -> Traces:
    """Begin to make traces, as the environment variables OTEL_* say.

    Raises:
        SmserveError: OpenTelemetry is not installed.
    """
    try:
        from smserve.server.observing.traces import Traces
    except ImportError as error:
        raise SmserveError(
            f"traces need OpenTelemetry, and {error.name} is not installed; install it with "
            f"pip install 'smserve[otel]', or serve without --traces"
        ) from None
    return Traces()


class Observation:
    """Owned by a server, which closes it.

    Attributes:
        stages: Told of the waits of calls, which are none of the engine's steps.
        metrics_url: Where Prometheus scrapes; None for nowhere.
    """

    def __init__(
        self,
        load: Callable[[], Load],
        *,
        metrics_host: str = "127.0.0.1",
        metrics_port: int | None = None,
        traces: Traces | None = None,
    ) -> None:
        """Begin to watch a server.

        Args:
            load: How busy it is.
            metrics_host: Address to be scraped at.
            metrics_port: Port to be scraped at; 0 takes a free one, with None nothing is counted.
            traces: Gets a span for each call.

        Raises:
            Unavailable: The port is taken, or the host is none of this machine's.
        """
        self.stages: Final = Stages()
        self.metrics_url: str | None = None
        self._traces: Final = traces
        self._metrics: Metrics | None = None
        self._collector: ServerCollector | None = None
        self._endpoint: MetricsEndpoint | None = None
        if metrics_port is not None:
            self._expose(load, metrics_host, metrics_port)
        self._listen(self.stages)

    def observers(self) -> tuple[CallObserver, ...]:
        """Return those who are told of calls; a log line is written while its span lasts."""
        traces = () if self._traces is None else (self._traces.observe,)
        metrics = () if self._metrics is None else (self._metrics.observe,)
        return (*traces, log_call, *metrics)

    def waited(self, seconds: float) -> None:
        """Be told how long a call waited for its place."""
        self.stages.passed(Stage.QUEUE, seconds)

    def watch(self, engine: Engine) -> None:
        """Watch an engine, too."""
        self._listen(engine.stages)
        if self._metrics is not None:
            engine.gallery_events.listen(self._metrics)
        if self._collector is not None:
            self._collector.engine = engine

    def close(self, hurry: threading.Event) -> None:
        """Let go of the port, and export what is left of traces; calling it twice is harmless.

        Args:
            hurry: Once it is set, a collector that does not answer is waited for no longer.
        """
        if self._endpoint is not None:
            self._endpoint.close()
        if self._traces is not None:
            exporting = threading.Thread(target=self._traces.close, name="smserve-traces", daemon=True)
            exporting.start()
            while exporting.is_alive() and not hurry.is_set():
                exporting.join(_POLL_S)

    def _expose(self, load: Callable[[], Load], host: str, port: int) -> None:
        # Not loaded where nobody scrapes.
        from smserve.server.observing.collecting import ServerCollector
        from smserve.server.observing.exposition import MetricsEndpoint
        from smserve.server.observing.metrics import Metrics

        self._metrics = Metrics()
        self._collector = ServerCollector(load)
        self._metrics.registry.register(self._collector)
        self._endpoint = MetricsEndpoint(self._metrics.registry, host, port)
        self.metrics_url = self._endpoint.url

    def _listen(self, stages: Stages) -> None:
        for listener in (self._metrics, self._traces):
            if listener is not None:
                stages.listen(listener)
