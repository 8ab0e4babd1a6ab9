"""Seeing inside a server: log, metrics and traces; the only owner of prometheus_client and OpenTelemetry."""

from smserve.server.observing.logs import LogFormat, configure_logs
from smserve.server.observing.observation import Observation, open_traces

__all__ = ["LogFormat", "Observation", "configure_logs", "open_traces"]
