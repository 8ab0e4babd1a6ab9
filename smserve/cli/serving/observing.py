"""Options of `smserve serve`: what is told of what goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from smserve.cli.option_group import option_group
from smserve.config import DEFAULT_HOST

if TYPE_CHECKING:
    from smserve.server.observing.traces import Traces

__all__ = ["Observing", "observing_options"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observing:
    """Log, metrics and traces."""

    log_level: str
    log_format: str
    metrics_host: str
    metrics_port: int | None
    traces: bool

    def to_settings(self) -> dict[str, Any]:
        """Return what `ServerSettings` takes of them."""
        return {"metrics_host": self.metrics_host, "metrics_port": self.metrics_port}

    def begin(self) -> Callable[[], Traces | None]:
        """Set the process's log up; returns what begins to make traces, if any are to be made.

        That is called in the process that serves, and raises SmserveError where OpenTelemetry is not installed.
        """
        from smserve.server import LogFormat, configure_logs, open_traces

        log_format = LogFormat(self.log_format.lower())
        configure_logs(self.log_level, log_format, buffered=False)  # with no thread: workers are forked from here

        def begin_traces() -> Traces | None:
            if not self.traces:
                configure_logs(self.log_level, log_format)
                return None
            traces = open_traces()
            configure_logs(self.log_level, log_format, traces.current_ids)
            return traces

        return begin_traces


observing_options = option_group(
    "observing",
    Observing,
    click.option(
        "--log-level",
        type=click.Choice(["debug", "info", "warning", "error"], case_sensitive=False),
        default="info",
        help="info logs a line for each call, to standard error.",
    ),
    click.option(
        "--log-format",
        type=click.Choice(["console", "json"], case_sensitive=False),
        default="console",
        help="Lines for people, or a JSON object a line.",
    ),
    click.option(
        "--metrics-port",
        type=click.IntRange(0, 65535),
        metavar="PORT",
        show_default="no metrics",
        help="Port that Prometheus scrapes, at /metrics; 0 takes a free one. Further --workers have those after it.",
    ),
    click.option(
        "--metrics-host",
        default=DEFAULT_HOST,
        help="Address that Prometheus scrapes; whoever reaches it reads the metrics, without a key.",
    ),
    click.option(
        "--traces",
        is_flag=True,
        show_default=False,
        help="Send a trace of each call to an OpenTelemetry collector, as the environment variables OTEL_* say; needs "
        "the extra `otel`.",
    ),
)
