"""Health and reflection, which no load and no limit of calls keeps from answering."""

import threading
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2  # type: ignore[import-untyped]  # ships no types
from grpc_reflection.v1alpha import (  # type: ignore[import-untyped]  # ships no types
    reflection_pb2,
    reflection_pb2_grpc,
)

from smserve.engine import Engine
from smserve.server.reflection import MAX_STREAMS
from tests.server.asking import SERVICES, health_of
from tests.support.running import running_server


def test_health_and_its_services(engine: Engine) -> None:
    with running_server(engine) as server:
        for service in ("", *SERVICES):
            assert health_of(server.address, service) == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(grpc.RpcError) as caught:
            health_of(server.address, "nobody")
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def test_reflection_lists_the_services(engine: Engine) -> None:
    with running_server(engine) as server, grpc.insecure_channel(server.address) as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        requests = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
        (answer,) = stub.ServerReflectionInfo(requests, timeout=5)
    names = {service.name for service in answer.list_services_response.service}
    assert names == {*SERVICES, "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}


def test_idle_reflection_streams_are_capped(engine: Engine) -> None:
    with running_server(engine) as server, grpc.insecure_channel(server.address) as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        end = threading.Event()

        def idle() -> Iterator[reflection_pb2.ServerReflectionRequest]:
            yield reflection_pb2.ServerReflectionRequest(list_services="")
            end.wait(30)

        streams = [stub.ServerReflectionInfo(idle(), timeout=30) for _ in range(MAX_STREAMS)]
        for stream in streams:
            next(stream)
        with pytest.raises(grpc.RpcError) as caught:
            next(stub.ServerReflectionInfo(idle(), timeout=5))
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert health_of(server.address) == health_pb2.HealthCheckResponse.SERVING
        end.set()
        for stream in streams:
            assert list(stream) == []


def test_the_open_inference_protocol_is_an_option(engine: Engine) -> None:
    live = "/inference.GRPCInferenceService/ServerLive"
    with running_server(engine) as server, grpc.insecure_channel(server.address) as channel:
        without: Any = channel.unary_unary(live)
        with pytest.raises(grpc.RpcError) as caught:
            without(b"", timeout=5)
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    with running_server(engine, open_inference=True) as server, grpc.insecure_channel(server.address) as channel:
        live_call: Any = channel.unary_unary(live)
        assert live_call(b"", timeout=5) == b"\x08\x01"  # live: true
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        request = reflection_pb2.ServerReflectionRequest(file_containing_symbol="inference.GRPCInferenceService")
        (answer,) = stub.ServerReflectionInfo(iter([request]), timeout=5)
        assert answer.file_descriptor_response.file_descriptor_proto
        missing: Any = channel.stream_stream("/inference.GRPCInferenceService/ModelStreamInfer")
        with pytest.raises(grpc.RpcError) as caught:
            list(missing(iter([b""]), timeout=5))
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
