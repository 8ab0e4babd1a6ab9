"""Calls that wait, or whose message is on its way, hold no thread and no place."""

import gc
import itertools
import logging
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2  # type: ignore[import-untyped]  # ships no types

from smserve.engine import Engine
from smserve.server import capacity
from smserve.server import server as server_module
from smserve.server.arrival import CAN_READ_AHEAD
from smserve.server.pooled_call import PooledCall
from smserve.server.refusals import Refusal
from smserve.v1 import retrieval_pb2, retrieval_pb2_grpc
from tests.server.asking import Gate, health_of, query_vector, reason_of, wait_for
from tests.support.running import running_server

SEARCH = "/smserve.v1.RetrievalService/Search"
REQUEST = retrieval_pb2.SearchRequest(vector=query_vector())


class Upload:
    """A search whose message is sent when the test says so."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._messages: queue.SimpleQueue[Any] = queue.SimpleQueue()
        search: Any = channel.stream_unary(
            SEARCH, retrieval_pb2.SearchRequest.SerializeToString, retrieval_pb2.SearchResponse.FromString
        )
        self.call = search.future(self._sent(), timeout=30)

    def send(self) -> None:
        self._messages.put(REQUEST)
        self._messages.put(None)

    def end(self) -> None:
        self._messages.put(None)

    def _sent(self) -> Iterator[retrieval_pb2.SearchRequest]:
        while (message := self._messages.get(timeout=30)) is not None:
            yield message


def calls_held() -> int:
    """Return how many calls are in memory; by their types, since looking closer at what others made may warn."""
    return sum(type(each) is PooledCall for each in gc.get_objects())


def test_this_version_of_grpc_lets_messages_be_read_ahead() -> None:
    """Where it fails, gRPC has moved what `smserve.server.arrival` is made of: calls wait on threads again."""
    assert CAN_READ_AHEAD


def test_calls_that_wait_hold_no_thread(engine: Engine, gate: Gate) -> None:
    with (
        running_server(engine, max_in_flight=2, max_waiting=40) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        stub = retrieval_pb2_grpc.RetrievalServiceStub(channel)
        assert health_of(server.address) == health_pb2.HealthCheckResponse.SERVING
        calls = [stub.Search.future(REQUEST, timeout=30) for _ in range(2)]
        wait_for(lambda: server._admission.counts() == (2, 0))
        threads = threading.active_count()
        calls += [stub.Search.future(REQUEST, timeout=30) for _ in range(40)]
        wait_for(lambda: server._admission.counts() == (2, 40))
        assert threading.active_count() == threads
        assert server._calls is not None
        assert len(server._calls._answering._threads) == 2
        gate.open.set()
        assert [len(call.result(timeout=10).hits) for call in calls] == [8] * 42


def test_a_thread_that_ends_a_call_begins_the_next(
    engine: Engine, gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    """Of 20 that wait while one place is free, all are answered in the order in which they came."""
    caplog.set_level(logging.INFO, "smserve.calls")
    with (
        running_server(engine, max_in_flight=1, max_waiting=20) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        stub = retrieval_pb2_grpc.RetrievalServiceStub(channel)
        calls = []
        for number in range(21):
            metadata = (("x-request-id", f"n{number}"),)
            calls.append(stub.Search.future(REQUEST, timeout=30, metadata=metadata))
            wait_for(lambda: sum(server._admission.counts()) == len(calls))
        gate.open.set()
        for call in calls:
            call.result(timeout=10)
        wait_for(lambda: server._admission.counts() == (0, 0))
    lines = [each.getMessage() for each in caplog.records if each.name == "smserve.calls"]
    assert [f"request=n{number} " in f"{line} " for number, line in enumerate(lines)] == [True] * 21, lines


def test_uploads_hold_no_place(engine: Engine) -> None:
    """Three callers are slow to send what they ask, with one place; others are answered, and in the end they, too."""
    with (
        running_server(engine, max_in_flight=1, max_waiting=4) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        uploads = [Upload(channel) for _ in range(3)]
        wait_for(lambda: server._admission._coming == 3)
        stub = retrieval_pb2_grpc.RetrievalServiceStub(channel)
        for _ in range(20):
            assert len(stub.Search(REQUEST, timeout=5).hits) == 8
        for upload in uploads:
            upload.send()
        assert [len(upload.call.result(timeout=10).hits) for upload in uploads] == [8] * 3
        wait_for(lambda: server._admission.wait_until_idle(0))


def test_uploads_are_no_more_than_may_run_and_wait(engine: Engine) -> None:
    """What is refused is refused before its message has come; what is given up makes room."""
    with (
        running_server(engine, max_in_flight=1, max_waiting=2) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        uploads = [Upload(channel) for _ in range(3)]
        wait_for(lambda: server._admission._coming == 3)
        refused = Upload(channel)
        with pytest.raises(grpc.RpcError) as caught:
            refused.call.result(timeout=10)
        assert reason_of(caught.value) == "OVERLOADED"
        assert caught.value.details() == "the server is full: 1 calls run and 2 wait; try again shortly"
        assert health_of(server.address) == health_pb2.HealthCheckResponse.SERVING
        uploads[0].call.cancel()
        wait_for(lambda: server._admission._coming == 2)
        assert len(retrieval_pb2_grpc.RetrievalServiceStub(channel).Search(REQUEST, timeout=5).hits) == 8
        for upload in [*uploads, refused]:
            upload.end()
        for upload in uploads[1:]:  # without any message: gRPC itself has something to say to that
            with pytest.raises(grpc.RpcError) as caught:
                upload.call.result(timeout=10)
            assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
        wait_for(lambda: server._admission.wait_until_idle(0))


def test_a_deadline_is_known_when_a_call_comes(engine: Engine, gate: Gate) -> None:
    """It is read where gRPC keeps it; a call that can't be answered in time is refused at once."""
    with (
        running_server(engine, max_in_flight=1, max_waiting=4) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        stub = retrieval_pb2_grpc.RetrievalServiceStub(channel)
        first = stub.Search.future(REQUEST, timeout=30)
        assert gate.entered.acquire(timeout=10)
        time.sleep(1)  # so long does a search take here
        gate.open.set()
        first.result(timeout=10)
        gate.open.clear()
        while gate.entered.acquire(blocking=False):
            pass
        running = stub.Search.future(REQUEST)  # without any deadline
        assert gate.entered.acquire(timeout=10)
        began = time.monotonic()
        with pytest.raises(grpc.RpcError) as caught:
            stub.Search(REQUEST, timeout=0.9)
        assert reason_of(caught.value) == "OVERLOADED"
        assert "the server is busy: Search may take" in str(caught.value.details())
        assert time.monotonic() - began < 0.5
        assert server._refusals.counts()[Refusal.DEADLINE] == 1
        waiting = stub.Search.future(REQUEST, timeout=20)
        wait_for(lambda: server._admission.counts() == (1, 1))
        gate.open.set()
        assert [len(call.result(timeout=10).hits) for call in (running, waiting)] == [8, 8]


def test_no_call_waits_longer_than_may_be(engine: Engine, gate: Gate) -> None:
    with (
        running_server(engine, max_in_flight=1, max_waiting=4, max_wait_s=0.3) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        stub = retrieval_pb2_grpc.RetrievalServiceStub(channel)
        first = stub.Search.future(REQUEST, timeout=30)
        assert gate.entered.acquire(timeout=10)
        for _ in range(2):
            began = time.monotonic()
            with pytest.raises(grpc.RpcError) as caught:
                stub.Search(REQUEST, timeout=30)
            assert 0.3 <= time.monotonic() - began < 2
            assert "no turn within 0.3 s: 1 calls run and" in str(caught.value.details())
            time.sleep(1.2)  # who watches the queue has gone to sleep, and must wake again
        assert server._refusals.counts()[Refusal.WAIT] == 2
        gate.open.set()
        assert len(first.result(timeout=10).hits) == 8


def test_a_call_that_is_given_up_while_it_waits_is_told_of(
    engine: Engine, gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "smserve.calls")
    with running_server(engine, max_in_flight=1) as server, grpc.insecure_channel(server.address) as channel:
        stub = retrieval_pb2_grpc.RetrievalServiceStub(channel)
        first = stub.Search.future(REQUEST, timeout=30)
        assert gate.entered.acquire(timeout=10)
        left, late = stub.Search.future(REQUEST, timeout=30), stub.Search.future(REQUEST, timeout=0.5)
        wait_for(lambda: server._admission.counts() == (1, 2))
        left.cancel()
        wait_for(lambda: server._admission.counts() == (1, 0))
        assert late.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        wait_for(lambda: sum(each.name == "smserve.calls" for each in caplog.records) == 2)
        lines = [each.getMessage() for each in caplog.records if each.name == "smserve.calls"]
        assert "CANCELLED" in lines[0]
        assert "DEADLINE_EXCEEDED" in lines[1] or "CANCELLED" in lines[1]  # gRPC's clock is not Python's
        gate.open.set()
        first.result(timeout=10)


def test_streams_and_calls_share_places(engine: Engine, gate: Gate) -> None:
    """A stream's request holds the one place, a call waits, and begins when the stream's thread has ended it."""
    with (
        running_server(engine, max_in_flight=1, max_waiting=4) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        stub = retrieval_pb2_grpc.RetrievalServiceStub(channel)
        requests = [retrieval_pb2.SearchStreamRequest(sequence=number, request=REQUEST) for number in range(3)]
        stream = stub.SearchStream(iter(requests), timeout=30)
        assert gate.entered.acquire(timeout=10)
        call = stub.Search.future(REQUEST, timeout=30)
        wait_for(lambda: server._admission.counts() == (1, 2))  # the stream's second request waits, too
        gate.open.set()
        assert len(call.result(timeout=10).hits) == 8
        assert sorted(answer.sequence for answer in stream) == [0, 1, 2]
        wait_for(lambda: server._admission.wait_until_idle(0))


def test_a_sequential_caller_is_never_refused(engine: Engine) -> None:
    """With one place and nobody who may wait, the place is free again before the answer is there."""
    with (
        running_server(engine, max_in_flight=1, max_waiting=0) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        stub = retrieval_pb2_grpc.RetrievalServiceStub(channel)
        assert [len(stub.Search(REQUEST, timeout=5).hits) for _ in range(300)] == [8] * 300


def test_where_grpc_has_moved_its_parts_calls_wait_on_threads(
    engine: Engine, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "CAN_READ_AHEAD", False)
    monkeypatch.setattr(capacity, "CAN_READ_AHEAD", False)
    with (
        running_server(engine, max_in_flight=1, max_waiting=2) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        stub = retrieval_pb2_grpc.RetrievalServiceStub(channel)
        calls = [stub.Search.future(REQUEST, timeout=30) for _ in range(3)]
        wait_for(lambda: server._admission.counts() == (1, 2))
        assert server._calls is None
        with pytest.raises(grpc.RpcError) as caught:
            stub.Search(REQUEST, timeout=30)
        assert reason_of(caught.value) == "OVERLOADED"
        assert health_of(server.address) == health_pb2.HealthCheckResponse.SERVING
        gate.open.set()
        assert [len(call.result(timeout=10).hits) for call in calls] == [8] * 3


def test_many_callers_of_all_kinds_leave_nothing_behind(engine: Engine) -> None:
    """Eight callers, streams, uploads and cancelled calls at once, over two places."""
    with running_server(engine, max_in_flight=2, max_waiting=64) as server:
        failures: list[BaseException] = []

        def ask(number: int) -> None:
            with grpc.insecure_channel(server.address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
                stub = retrieval_pb2_grpc.RetrievalServiceStub(channel)
                for turn in itertools.islice(itertools.cycle(range(4)), number, number + 60):
                    try:
                        if turn == 0:
                            requests = [retrieval_pb2.SearchStreamRequest(request=REQUEST) for _ in range(3)]
                            assert len(list(stub.SearchStream(iter(requests), timeout=20))) == 3
                        elif turn == 1:
                            stub.Search.future(REQUEST, timeout=20).cancel()
                        elif turn == 2:
                            upload = Upload(channel)
                            upload.send()
                            assert len(upload.call.result(timeout=20).hits) == 8
                        else:
                            assert len(stub.Search(REQUEST, timeout=20).hits) == 8
                    except (AssertionError, grpc.RpcError) as error:
                        failures.append(error)

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        assert failures == []
        wait_for(lambda: server._admission.wait_until_idle(0))
        assert server._admission.counts() == (0, 0)


def test_calls_that_have_ended_are_let_go_of(engine: Engine) -> None:
    """Among 800 calls the one answering thread hardly rests; it keeps none, nor are they left to the collector."""
    gc.collect()
    gc.disable()
    try:
        with running_server(engine, max_in_flight=1) as server, ExitStack() as stack:
            threads = []
            for _ in range(8):
                channel = stack.enter_context(
                    grpc.insecure_channel(server.address, options=[("grpc.use_local_subchannel_pool", 1)])
                )
                search = retrieval_pb2_grpc.RetrievalServiceStub(channel).Search
                threads.append(
                    threading.Thread(target=lambda ask=search: [ask(REQUEST, timeout=20) for _ in range(100)])
                )
            for thread in threads:
                thread.start()
            most = 0
            while any(thread.is_alive() for thread in threads):
                most = max(most, calls_held())
                time.sleep(0.05)
            for thread in threads:
                thread.join()
            assert 0 < most < 20
            wait_for(lambda: calls_held() <= 2)  # gRPC keeps the last
    finally:
        gc.enable()
