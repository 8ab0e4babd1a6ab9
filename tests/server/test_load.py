"""A server with more calls than it can run: who is served, who waits, who is told to come back."""

import threading

import grpc
import pytest
from google.rpc import error_details_pb2  # type: ignore[import-untyped]  # ships no types
from grpc_health.v1 import health_pb2  # type: ignore[import-untyped]  # ships no types
from grpc_status import rpc_status  # type: ignore[import-untyped]  # ships no types

from smserve.client import Client
from smserve.engine import Engine
from smserve.errors import Overloaded
from smserve.v1 import retrieval_pb2, retrieval_pb2_grpc
from tests.server.asking import QUERY, Gate, health_of, query_vector, reason_of, wait_for
from tests.support.running import running_server


def test_a_full_server_refuses_and_still_answers_health(engine: Engine, gate: Gate) -> None:
    with (
        running_server(engine, max_in_flight=1, max_waiting=1) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        stub = retrieval_pb2_grpc.RetrievalServiceStub(channel)
        request = retrieval_pb2.SearchRequest(vector=query_vector())
        served = [stub.Search.future(request, timeout=30) for _ in range(2)]
        assert gate.entered.acquire(timeout=10)
        wait_for(lambda: server._admission.counts() == (1, 1))
        for _ in range(30):  # many more than the threads in reserve
            with pytest.raises(grpc.RpcError) as caught:
                stub.Search(request, timeout=30)
            assert reason_of(caught.value) == "OVERLOADED"
        assert caught.value.details() == "the server is full: 1 calls run and 1 wait; try again shortly"
        retry = error_details_pb2.RetryInfo()
        assert rpc_status.from_call(caught.value).details[1].Unpack(retry)
        assert retry.retry_delay.ToMilliseconds() == 500
        assert health_of(server.address) == health_pb2.HealthCheckResponse.SERVING
        gate.open.set()
        assert [len(call.result(timeout=10).hits) for call in served] == [8, 8]


def test_a_deadline_frees_the_place_in_the_queue(engine: Engine, gate: Gate) -> None:
    with (
        running_server(engine, max_in_flight=1, max_waiting=1) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        stub = retrieval_pb2_grpc.RetrievalServiceStub(channel)
        request = retrieval_pb2.SearchRequest(vector=query_vector())
        patient = stub.Search.future(request, timeout=30)
        assert gate.entered.acquire(timeout=10)
        with pytest.raises(grpc.RpcError) as caught:
            stub.Search(request, timeout=0.2)
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        wait_for(lambda: server._admission.counts() == (1, 0))
        gate.open.set()
        assert len(patient.result(timeout=10).hits) == 8


def test_administration_keeps_no_search_waiting(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four compactions at once run and a fifth is refused; searches have their own place."""
    open_, entered = threading.Event(), threading.Semaphore(0)

    def slow(*_: object, **__: object) -> None:
        entered.release()
        assert open_.wait(30)
        raise Overloaded("the end of the test")

    monkeypatch.setattr(engine.generations, "compact", slow)  # as slow as the test needs it
    with running_server(engine, max_in_flight=1, max_waiting=0) as server, Client(server.address) as client:

        def compact() -> None:
            with pytest.raises(Overloaded):
                client.compact()

        threads = [threading.Thread(target=compact) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in threads:
            assert entered.acquire(timeout=10)
        try:
            assert len(client.search(QUERY).hits) == 8
        finally:
            open_.set()
            for thread in threads:
                thread.join(timeout=20)
