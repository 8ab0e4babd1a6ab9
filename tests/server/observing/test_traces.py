"""A real call makes real spans: of its caller's trace, with its steps inside, marked when the server is at fault."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from smserve.engine import Engine
from smserve.gallery.interface import Neighbours
from smserve.server import Server, ServerSettings
from smserve.server.observing.traces import Traces
from smserve.v1 import retrieval_pb2, retrieval_pb2_grpc
from tests.server.asking import Gate, query_vector, wait_for
from tests.support.memory_gallery import MemoryGallery
from tests.support.pictures import draw, encode

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACED = (
    ("traceparent", f"00-{TRACE}-{CALLER}-01"),
    ("x-request-id", "mine-1"),
    ("authorization", "Bearer s3cret"),
)
PICTURE = encode(draw("red"))


@contextmanager
def traced(engine: Engine) -> Iterator[tuple["retrieval_pb2_grpc.RetrievalServiceStub", InMemorySpanExporter]]:
    exporter = InMemorySpanExporter()
    with Server(ServerSettings(port=0), traces=Traces(SimpleSpanProcessor(exporter))) as server:
        server.start(engine)
        with grpc.insecure_channel(server.address) as channel:
            yield retrieval_pb2_grpc.RetrievalServiceStub(channel), exporter


def calls_in(spans: tuple[ReadableSpan, ...]) -> list[ReadableSpan]:
    return [span for span in spans if span.kind is SpanKind.SERVER]


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def test_a_call_goes_on_with_its_callers_trace(engine: Engine) -> None:
    with traced(engine) as (stub, exporter):
        stub.Search(retrieval_pb2.SearchRequest(image=PICTURE), timeout=10, metadata=TRACED)
    spans = exporter.get_finished_spans()
    (call,) = calls_in(spans)
    assert call.name == "smserve.v1.RetrievalService/Search"
    assert attributes(call) == {
        "rpc.system.name": "grpc",
        "rpc.method": "smserve.v1.RetrievalService/Search",
        "rpc.response.status_code": "OK",
        "smserve.request_id": "mine-1",
    }
    assert "s3cret" not in "".join(span.to_json() for span in spans)
    assert call.parent is not None
    assert trace.format_span_id(call.parent.span_id) == CALLER
    assert {trace.format_trace_id(span.context.trace_id) for span in spans} == {TRACE}
    assert call.status.status_code is StatusCode.UNSET
    assert dict(call.resource.attributes)["service.name"] == "smserve"


def test_the_steps_of_a_call_are_its_children_one_after_the_other(engine: Engine) -> None:
    with traced(engine) as (stub, exporter):
        stub.Search(retrieval_pb2.SearchRequest(image=PICTURE), timeout=10)
    spans = exporter.get_finished_spans()
    (call,) = calls_in(spans)
    steps = [span for span in spans if span is not call]
    assert [step.name for step in steps] == ["queue", "decode", "infer", "search", "payload"]
    assert all(step.parent == call.context for step in steps)
    assert call.start_time is not None
    assert call.end_time is not None
    ends = [step.end_time or 0 for step in steps]
    assert ends == sorted(ends)
    slack_ns = 50_000_000  # two clocks
    for step in steps:
        assert step.start_time is not None
        assert call.start_time - slack_ns <= step.start_time <= call.end_time + slack_ns


def test_each_request_of_a_stream_has_its_steps_in_the_streams_span(engine: Engine) -> None:
    query = retrieval_pb2.SearchStreamRequest(request=retrieval_pb2.SearchRequest(image=PICTURE))
    with traced(engine) as (stub, exporter):
        assert len(list(stub.SearchStream(iter([query, query]), timeout=10))) == 2
    spans = exporter.get_finished_spans()
    (call,) = calls_in(spans)
    assert attributes(call)["smserve.answers"] == 2
    of_stream = sorted(span.name for span in spans if span.parent == call.context)
    assert of_stream == sorted(["queue", "decode", "infer", "search", "payload"] * 2)


def test_a_stream_that_is_given_up_has_its_span(engine: Engine, gate: Gate, caplog: pytest.LogCaptureFixture) -> None:
    query = retrieval_pb2.SearchStreamRequest(request=retrieval_pb2.SearchRequest(vector=query_vector()))
    with traced(engine) as (stub, exporter):
        stream = stub.SearchStream(iter([query]), timeout=30)
        assert gate.entered.acquire(timeout=10)
        stream.cancel()
        wait_for(lambda: bool(calls_in(exporter.get_finished_spans())))
        gate.open.set()
        assert not trace.get_current_span().get_span_context().is_valid
    (call,) = calls_in(exporter.get_finished_spans())
    assert attributes(call)["rpc.response.status_code"] == "CANCELLED"
    assert "Failed to detach" not in caplog.text


def test_errors(engine: Engine, gallery: MemoryGallery, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the caller does wrong is no failure of the server's; a bug is."""

    def broken(*query: Any) -> Neighbours:
        raise ZeroDivisionError("secret detail")

    with traced(engine) as (stub, exporter):
        for ask in (retrieval_pb2.SearchRequest(image=b"no picture"), retrieval_pb2.SearchRequest(item_id="nobody")):
            with pytest.raises(grpc.RpcError):
                stub.Search(ask, timeout=10)
        monkeypatch.setattr(gallery, "search", broken)  # no input reaches a bug, so one is made
        with pytest.raises(grpc.RpcError):
            stub.Search(retrieval_pb2.SearchRequest(vector=query_vector()), timeout=10)
    calls = calls_in(exporter.get_finished_spans())
    assert [(attributes(call)["error.type"], call.status.status_code) for call in calls] == [
        ("INVALID_ARGUMENT", StatusCode.UNSET),
        ("NOT_FOUND", StatusCode.UNSET),
        ("INTERNAL", StatusCode.ERROR),
    ]
    assert "secret" not in str([call.to_json() for call in calls])


def test_the_global_provider_is_left_alone(engine: Engine) -> None:
    before = trace.get_tracer_provider()
    with traced(engine) as (stub, exporter):
        stub.Search(retrieval_pb2.SearchRequest(vector=query_vector()), timeout=10)
        assert exporter.get_finished_spans()
        assert trace.get_tracer_provider() is before


def test_the_environment_names_the_service(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "pictures")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
    with traced(engine) as (stub, exporter):
        stub.Search(retrieval_pb2.SearchRequest(vector=query_vector()), timeout=10)
    resource = dict(exporter.get_finished_spans()[0].resource.attributes)
    assert (resource["service.name"], resource["deployment.environment.name"]) == ("pictures", "test")
    assert resource["service.version"]
