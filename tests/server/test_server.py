"""The server as any gRPC client sees it: health, reflection, errors with details, load, and its end."""

import logging
import threading
from collections.abc import Iterator
from typing import Any

import grpc
import numpy as np
import pytest
from google.rpc import error_details_pb2  # type: ignore[import-untyped]  # ships no types
from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped]  # ships no types
from grpc_reflection.v1alpha import (  # type: ignore[import-untyped]  # ships no types
    reflection_pb2,
    reflection_pb2_grpc,
)
from grpc_status import rpc_status  # type: ignore[import-untyped]  # ships no types

from smserve.client import Client
from smserve.config import MAX_MESSAGE_BYTES
from smserve.engine import Engine
from smserve.errors import DeadlineExceeded, InternalError, MessageTooLarge, Overloaded, Unavailable
from smserve.gallery.interface import Neighbours
from smserve.server import Server, ServerSettings
from smserve.server.reflection import MAX_STREAMS
from smserve.v1 import retrieval_pb2, retrieval_pb2_grpc
from tests.support.memory_gallery import MemoryGallery
from tests.support.running import running_server

SERVICES = ["smserve.v1.RetrievalService", "smserve.v1.GalleryService"]
QUERY = np.eye(8, dtype=np.float32)[0]


class Gate:
    """Holds every search of a gallery until it is opened."""

    def __init__(self, gallery: MemoryGallery, monkeypatch: pytest.MonkeyPatch) -> None:
        self.entered = threading.Semaphore(0)
        self.open = threading.Event()
        search = gallery.search

        def held(*query: Any) -> Neighbours:
            self.entered.release()
            assert self.open.wait(30)
            return search(*query)

        monkeypatch.setattr(gallery, "search", held)  # a gallery as slow as the test needs it


@pytest.fixture
def gate(gallery: MemoryGallery, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    gate = Gate(gallery, monkeypatch)
    yield gate
    gate.open.set()


def health_of(address: str, service: str = "") -> int:
    with grpc.insecure_channel(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        return int(stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=5).status)


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


def test_a_taken_port_is_a_clear_error(engine: Engine) -> None:
    with (
        running_server(engine) as server,
        pytest.raises(Unavailable, match=f"can't listen on 127.0.0.1:{server.port}; the port is in use"),
    ):
        Server(ServerSettings(port=server.port))


def test_a_server_that_never_started_stops() -> None:
    with Server(ServerSettings(port=0)) as server:
        assert server.port > 0


def test_status_details_for_any_client(engine: Engine) -> None:
    with running_server(engine) as server, grpc.insecure_channel(server.address) as channel:
        stub = retrieval_pb2_grpc.RetrievalServiceStub(channel)
        request = retrieval_pb2.SearchRequest(item_id="e0", top_k=0)
        with pytest.raises(grpc.RpcError) as caught:
            stub.Search(request, timeout=5, metadata=(("x-request-id", "mine-1"),))
        good = stub.Search.with_call(
            retrieval_pb2.SearchRequest(item_id="e0"), timeout=5, metadata=(("x-request-id", "mine-2"),)
        )[1]
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    status = rpc_status.from_call(caught.value)
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    assert status.details[0].Unpack(info)
    assert (info.reason, info.domain, info.metadata["request_id"]) == ("INVALID_TOP_K", "smserve", "mine-1")
    assert status.details[1].Unpack(bad)
    assert bad.field_violations[0].field == "top_k"
    assert ("x-request-id", "mine-2") in {(key, value) for key, value in good.trailing_metadata()}


def test_each_call_is_logged(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "smserve.server")
    with running_server(engine) as server, grpc.insecure_channel(server.address) as channel:
        stub = retrieval_pb2_grpc.RetrievalServiceStub(channel)
        stub.Search(retrieval_pb2.SearchRequest(item_id="e0"), timeout=5, metadata=(("x-request-id", "a; forged"),))
    (line,) = [record.getMessage() for record in caplog.records if record.name == "smserve.server.calls"]
    assert line.startswith("Search OK ")
    assert " ms request=" in line
    assert "forged" not in line  # not fit for a log, so the call got an id of its own


def test_a_bug_is_internal_and_the_server_lives_on(
    engine: Engine, gallery: MemoryGallery, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*query: Any) -> Neighbours:
        raise ZeroDivisionError("secret detail")

    with running_server(engine) as server, Client(server.address) as client:
        with monkeypatch.context() as patch:
            patch.setattr(gallery, "search", broken)  # no input reaches a bug, so one is made
            with pytest.raises(InternalError, match="the server's log has the details under request") as caught:
                client.search(QUERY)
        assert "secret" not in caught.value.message
        assert len(client.search(QUERY).hits) == 8
    assert "secret detail" in caplog.text


def test_a_full_server_refuses_and_still_answers_health(engine: Engine, gate: Gate) -> None:
    outcomes: list[object] = []

    with running_server(engine, max_in_flight=1, max_waiting=1) as server, Client(server.address) as client:

        def ask() -> None:
            try:
                outcomes.append(client.search(QUERY))
            except Overloaded as error:
                outcomes.append(error)

        threads = [threading.Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
        assert gate.entered.acquire(timeout=10)
        while not server._admission._waiting:  # one runs, one waits
            threading.Event().wait(0.005)
        refusals = []
        for _ in range(20):  # many more than the threads in reserve
            with pytest.raises(Overloaded, match="the server is full: 1 calls run and 1 wait") as caught:
                client.search(QUERY)
            refusals.append(caught.value)
        assert refusals[0].retry_after_s == 0.5
        assert health_of(server.address) == health_pb2.HealthCheckResponse.SERVING
        gate.open.set()
        for thread in threads:
            thread.join(timeout=10)
    assert [type(outcome).__name__ for outcome in outcomes] == ["SearchResult", "SearchResult"]


def test_a_deadline_frees_the_place_in_the_queue(engine: Engine, gate: Gate) -> None:
    with (
        running_server(engine, max_in_flight=1, max_waiting=1) as server,
        Client(server.address) as patient,
        Client(server.address, timeout_s=0.2) as hasty,
    ):
        thread = threading.Thread(target=patient.search, args=(QUERY,))
        thread.start()
        assert gate.entered.acquire(timeout=10)
        with pytest.raises(DeadlineExceeded, match=r"deadline|within 0\.2 s"):
            hasty.search(QUERY)
        for _ in range(100):
            if not server._admission._waiting:
                break
            threading.Event().wait(0.02)
        assert not server._admission._waiting
        gate.open.set()
        thread.join(timeout=10)


def test_a_message_over_the_limit_names_it(engine: Engine) -> None:
    with running_server(engine) as server:
        request = retrieval_pb2.EmbedRequest(images=[bytes(MAX_MESSAGE_BYTES // 2)] * 2)
        with Client(server.address) as client, pytest.raises(MessageTooLarge, match=r"over the limit of 16,777,216"):
            client._call(client._retrieval.Embed, request)
        with grpc.insecure_channel(server.address) as channel, pytest.raises(grpc.RpcError) as caught:
            # a client without a limit of its own
            retrieval_pb2_grpc.RetrievalServiceStub(channel).Embed(request, timeout=5)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert str(MAX_MESSAGE_BYTES) in str(caught.value.details())
        assert health_of(server.address) == health_pb2.HealthCheckResponse.SERVING


def test_stopping_lets_running_calls_finish(engine: Engine, gallery: MemoryGallery, gate: Gate) -> None:
    results: list[int] = []
    with running_server(engine, grace_s=10) as server, Client(server.address) as client:
        thread = threading.Thread(target=lambda: results.append(len(client.search(QUERY).hits)))
        thread.start()
        assert gate.entered.acquire(timeout=10)
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        stopping.join(timeout=0.3)
        assert stopping.is_alive()
        assert not gallery.closed
        with Client(server.address) as late, pytest.raises(Unavailable):
            late.search(QUERY)
        gate.open.set()
        stopping.join(timeout=10)
        thread.join(timeout=10)
        assert results == [8]
        assert gallery.closed


def test_health_says_so_during_the_drain_delay(engine: Engine) -> None:
    with running_server(engine, drain_delay_s=30) as server, Client(server.address) as client:
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        for _ in range(100):
            if health_of(server.address) == health_pb2.HealthCheckResponse.NOT_SERVING:
                break
            threading.Event().wait(0.02)
        assert health_of(server.address, SERVICES[0]) == health_pb2.HealthCheckResponse.NOT_SERVING
        assert len(client.search(QUERY).hits) == 8  # still answered, for balancers that have not noticed yet
        server.hurry()
        stopping.join(timeout=10)
        assert not stopping.is_alive()
