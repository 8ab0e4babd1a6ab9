"""How a server stops: nothing that it took on is cut off."""

import threading

import grpc
import pytest
from grpc_health.v1 import health_pb2  # type: ignore[import-untyped]  # ships no types

from smserve.client import Client
from smserve.engine import Engine
from smserve.errors import Unavailable
from smserve.server import Server, ServerSettings
from smserve.v1 import retrieval_pb2, retrieval_pb2_grpc
from tests.server.asking import QUERY, SERVICES, Gate, health_of, query_vector, wait_for
from tests.support.memory_gallery import MemoryGallery
from tests.support.running import running_server


def test_a_server_that_never_started_stops() -> None:
    with Server(ServerSettings(port=0)) as server:
        assert server.port > 0


def test_stopping_lets_calls_that_run_or_wait_finish(engine: Engine, gallery: MemoryGallery, gate: Gate) -> None:
    with (
        running_server(engine, grace_s=20, max_in_flight=1) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        stub = retrieval_pb2_grpc.RetrievalServiceStub(channel)
        calls = [stub.Search.future(retrieval_pb2.SearchRequest(vector=query_vector()), timeout=30) for _ in range(5)]
        assert gate.entered.acquire(timeout=10)
        wait_for(lambda: server._admission.counts() == (1, 4))
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        stopping.join(timeout=0.4)
        assert stopping.is_alive()
        assert not gallery.closed
        with Client(server.address) as late, pytest.raises(Unavailable):
            late.search(QUERY)
        gate.open.set()
        stopping.join(timeout=10)
        assert [len(call.result(timeout=10).hits) for call in calls] == [8] * 5
        assert gallery.closed


def test_health_says_so_during_the_drain_delay(engine: Engine) -> None:
    with running_server(engine, drain_delay_s=30) as server, Client(server.address) as client:
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        wait_for(lambda: health_of(server.address) == health_pb2.HealthCheckResponse.NOT_SERVING)
        assert health_of(server.address, SERVICES[0]) == health_pb2.HealthCheckResponse.NOT_SERVING
        assert len(client.search(QUERY).hits) == 8  # still answered, for balancers that have not noticed yet
        server.hurry()
        stopping.join(timeout=10)
        assert not stopping.is_alive()


def test_what_runs_beyond_the_grace_is_cut_off(engine: Engine, gallery: MemoryGallery, gate: Gate) -> None:
    with running_server(engine, grace_s=0.2) as server, grpc.insecure_channel(server.address) as channel:
        search = retrieval_pb2_grpc.RetrievalServiceStub(channel).Search
        call = search.future(retrieval_pb2.SearchRequest(vector=query_vector()), timeout=30)
        assert gate.entered.acquire(timeout=10)
        server.stop()
        with pytest.raises(grpc.RpcError):
            call.result(timeout=10)
        assert not gallery.closed, "a call may still use it"
        gate.open.set()
