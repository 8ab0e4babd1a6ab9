"""A server's calls: their errors with details, their log lines, its port."""

import logging
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2  # type: ignore[import-untyped]  # ships no types
from grpc_status import rpc_status  # type: ignore[import-untyped]  # ships no types

from smserve.client import Client
from smserve.config import MAX_MESSAGE_BYTES, MAX_QUERIES_PER_CALL
from smserve.engine import Engine
from smserve.errors import InternalError, Unavailable
from smserve.gallery.interface import Neighbours
from smserve.server import Server, ServerSettings
from smserve.v1 import retrieval_pb2, retrieval_pb2_grpc
from tests.server.asking import QUERY, health_of, query_vector, reason_of
from tests.support.memory_gallery import MemoryGallery
from tests.support.running import running_server


def test_a_taken_port_is_a_clear_error(engine: Engine) -> None:
    with (
        running_server(engine) as server,
        pytest.raises(Unavailable, match=f"can't listen on 127.0.0.1:{server.port}; the port is in use"),
    ):
        Server(ServerSettings(port=server.port))


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
    caplog.set_level(logging.INFO, "smserve.calls")
    with running_server(engine) as server, grpc.insecure_channel(server.address) as channel:
        stub = retrieval_pb2_grpc.RetrievalServiceStub(channel)
        stub.Search(retrieval_pb2.SearchRequest(item_id="e0"), timeout=5, metadata=(("x-request-id", "a; forged"),))
        query = retrieval_pb2.SearchStreamRequest(request=retrieval_pb2.SearchRequest(item_id="e0"))
        assert len(list(stub.SearchStream(iter([query, query]), timeout=5))) == 2
    lines = [record.getMessage() for record in caplog.records if record.name == "smserve.calls"]
    assert [line.partition(" ms")[0].rpartition(" ")[0] for line in lines] == ["Search OK", "SearchStream OK"]
    assert " ms request=" in lines[0]
    assert "forged" not in lines[0]  # not fit for a log, so the call got an id of its own
    assert lines[1].endswith(" answers=2")


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


def test_bytes_that_are_no_message_are_the_callers_fault(engine: Engine) -> None:
    with running_server(engine) as server, grpc.insecure_channel(server.address) as channel:
        unary: Any = channel.unary_unary("/smserve.v1.RetrievalService/Search")
        with pytest.raises(grpc.RpcError) as caught:
            unary(b"\xff\xff\xff", timeout=5)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert reason_of(caught.value) == "INVALID_INPUT"
        stream: Any = channel.stream_stream("/smserve.v1.RetrievalService/SearchStream")
        with pytest.raises(grpc.RpcError) as caught:
            list(stream(iter([b"", b"\xff\xff\xff"]), timeout=5))
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert reason_of(caught.value) == "INVALID_INPUT"


def test_a_request_over_the_limit_is_refused_with_the_limit(engine: Engine) -> None:
    """Refused by gRPC before a byte of it is read here, so without details; the client refuses it before that."""
    with running_server(engine) as server, grpc.insecure_channel(server.address) as channel:
        request = retrieval_pb2.EmbedRequest(images=[bytes(MAX_MESSAGE_BYTES // 2)] * 2)
        with pytest.raises(grpc.RpcError) as caught:
            retrieval_pb2_grpc.RetrievalServiceStub(channel).Embed(request, timeout=5)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert str(MAX_MESSAGE_BYTES) in str(caught.value.details())
        assert health_of(server.address) == 1


def test_an_answer_over_the_limit_says_so_with_details(
    engine: Engine, gallery: MemoryGallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smserve.wire.size._MOST", 1000)  # else it takes galleries of gigabytes
    request = retrieval_pb2.SearchRequest(vector=query_vector())
    request.fields.vector = True
    with running_server(engine) as server, grpc.insecure_channel(server.address) as channel:
        stub = retrieval_pb2_grpc.RetrievalServiceStub(channel)
        request.top_k = 30
        with pytest.raises(grpc.RpcError) as caught:
            stub.BatchSearch(retrieval_pb2.BatchSearchRequest(requests=[request] * 3), timeout=5)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert reason_of(caught.value) == "MESSAGE_TOO_LARGE"
        assert "over the limit of 1,000; ask for fewer hits" in str(caught.value.details())
        small = retrieval_pb2.SearchRequest(vector=query_vector(), top_k=1)
        monkeypatch.setattr("smserve.wire.size._MOST", 300)
        queries = [retrieval_pb2.SearchStreamRequest(sequence=n, request=r) for n, r in enumerate([request, small])]
        answers = {answer.sequence: answer for answer in stub.SearchStream(iter(queries), timeout=5)}
        assert answers[0].error.reason == "MESSAGE_TOO_LARGE"
        assert len(answers[1].response.hits) == 1


def test_the_limits_are_published(engine: Engine) -> None:
    limits = {"max_in_flight": 3, "max_waiting": 5, "max_streams": 7, "max_stream_requests": 2}
    with running_server(engine, **limits) as server, grpc.insecure_channel(server.address) as channel:
        stub = retrieval_pb2_grpc.RetrievalServiceStub(channel)
        info = stub.GetServerInfo(retrieval_pb2.GetServerInfoRequest(), timeout=5)
    assert {name: getattr(info, name) for name in limits} == limits
    assert (info.max_queries, info.max_message_bytes) == (MAX_QUERIES_PER_CALL, MAX_MESSAGE_BYTES)
    assert info.max_decoded_bytes > 0
