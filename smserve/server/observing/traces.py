"""Traces: a span for each call, a child of the caller's, with a child for each step; the extra `otel`."""

from __future__ import annotations

import time
from typing import Final

from opentelemetry import context as contexts
from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode

from smserve.engine.stages import StageListener, Step
from smserve.server.events import CallBegun, CallEnded, Ending
from smserve.server.observing.logs import SpanIds
from smserve.version import VERSION

__all__ = ["Traces"]

_SERVER_FAULTS: Final = frozenset(
    {"DATA_LOSS", "DEADLINE_EXCEEDED", "INTERNAL", "UNAVAILABLE", "UNIMPLEMENTED", "UNKNOWN"}
)
"""Codes for which OpenTelemetry's conventions mark the span of a server as failed; the others are the caller's."""


class Traces(StageListener):
    """Makes spans and has them exported; safe to use from many threads.

    It has a provider of its own, and leaves OpenTelemetry's global one to the program around it.
    """

    def __init__(self, processor: SpanProcessor | None = None) -> None:
        """Begin, set up by the environment variables OTEL_* that OpenTelemetry defines.

        Args:
            processor: Takes the spans; by default they go to a collector by OTLP over gRPC, in batches.
        """
        self._provider: Final = TracerProvider(resource=_resource(), shutdown_on_exit=False)
        self._provider.add_span_processor(processor or BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer: Final = self._provider.get_tracer("smserve", VERSION)

    def observe(self, begun: CallBegun) -> Ending:
        """Begin the span of a call; see `CallObserver`."""
        carrier = {key: value for key, value in begun.metadata if isinstance(value, str)}
        method = begun.method.removeprefix("/")
        span = self._tracer.start_span(
            method,
            propagate.extract(carrier),
            SpanKind.SERVER,
            {"rpc.system.name": "grpc", "rpc.method": method, "smserve.request_id": begun.request_id},
            start_time=time.time_ns() - int(begun.age_s * 1e9),
        )
        token = contexts.attach(trace.set_span_in_context(span))

        def end(ended: CallEnded) -> None:
            contexts.detach(token)
            span.set_attributes(_attributes(ended))
            if ended.code in _SERVER_FAULTS:
                span.set_status(StatusCode.ERROR, ended.error)
            span.end()

        return end

    def took(self, step: Step) -> None:
        """Make a span of a step, where it was taken in a call."""
        if not trace.get_current_span().is_recording():
            return
        began_ns = time.time_ns() - int((time.perf_counter() - step.began) * 1e9)
        span = self._tracer.start_span(step.stage.value, attributes={"smserve.size": step.size}, start_time=began_ns)
        span.end(began_ns + int(step.seconds * 1e9))

    def current_ids(self) -> SpanIds | None:
        """Return the ids of the span in which this is called; None outside of one."""
        span = trace.get_current_span().get_span_context()
        return (trace.format_trace_id(span.trace_id), trace.format_span_id(span.span_id)) if span.is_valid else None

    def close(self) -> None:
        """Export what is left, as far as that can be done in time; twice is harmless."""
        self._provider.shutdown()


def _resource() -> Resource:
    """Return what is said of this process; the environment has the last word."""
    ours = Resource({"service.name": "smserve", "service.version": VERSION})
    return Resource.create(ours.merge(OTELResourceDetector().detect()).attributes)


def _attributes(ended: CallEnded) -> dict[str, str | int]:
    attributes: dict[str, str | int] = {"rpc.response.status_code": ended.code}
    if ended.code != "OK":
        attributes["error.type"] = ended.code
    if ended.answers:
        attributes["smserve.answers"] = ended.answers
    if ended.caller:
        attributes["smserve.caller"] = ended.caller
    return attributes
