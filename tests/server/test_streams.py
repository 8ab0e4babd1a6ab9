"""Streams on a real server: answers by sequence number, flow control, places, and how they end."""

import itertools
import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2  # type: ignore[import-untyped]  # ships no types

from smserve.embedder import Embedder
from smserve.engine import Engine
from smserve.engine.stages import Stage
from smserve.gallery import LiveGallery, NewItem
from smserve.v1 import gallery_pb2, gallery_pb2_grpc, retrieval_pb2, retrieval_pb2_grpc, types_pb2
from tests.server.asking import QUERY, Gate, health_of, query_vector, reason_of, wait_for
from tests.support.memory_gallery import MemoryGallery
from tests.support.running import running_server


class Requests:
    """Requests that are sent when the test says so; `end` half-closes."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.taken = 0  # by gRPC; it takes the next one once the one before is on its way

    def send(self, *requests: Any) -> None:
        for request in requests:
            self._queue.put(request)

    def end(self) -> None:
        self._queue.put(None)

    def __iter__(self) -> Iterator[Any]:
        while (request := self._queue.get(timeout=30)) is not None:
            self.taken += 1
            yield request


def query(sequence: int, **settings: Any) -> retrieval_pb2.SearchStreamRequest:
    if "item_id" not in settings:
        settings["vector"] = query_vector()
    return retrieval_pb2.SearchStreamRequest(sequence=sequence, request=retrieval_pb2.SearchRequest(**settings))


def readers() -> int:
    return sum(thread.name == "smserve-reader" for thread in threading.enumerate())


@pytest.fixture(autouse=True)
def no_reader_is_left() -> Iterator[None]:
    yield
    wait_for(lambda: readers() == 0)


def test_each_request_has_an_answer_of_its_own(engine: Engine) -> None:
    requests = [query(number, top_k=number) for number in range(100, 90, -1)]
    requests += [query(7, top_k=0), query(8, item_id="nobody"), query(8, filter="(("), query(2**64 - 1, top_k=1)]
    with running_server(engine) as server, grpc.insecure_channel(server.address) as channel:
        answers = list(retrieval_pb2_grpc.RetrievalServiceStub(channel).SearchStream(iter(requests), timeout=10))
    assert sorted(answer.sequence for answer in answers) == sorted(request.sequence for request in requests)
    errors = {(answer.sequence, answer.error.reason) for answer in answers if answer.WhichOneof("outcome") == "error"}
    assert errors == {(7, "INVALID_TOP_K"), (8, "ITEM_NOT_FOUND"), (8, "INVALID_FILTER")}
    (one,) = (answer.response for answer in answers if answer.sequence == 2**64 - 1)
    assert len(one.hits) == 1
    assert one.origin.gallery == "basis"


def test_no_more_than_so_many_requests_are_in_work(engine: Engine, gate: Gate) -> None:
    """With 3 places in the stream and 4 to run in, 3 run; the others wait where they came from."""
    with (
        running_server(engine, max_stream_requests=3, max_in_flight=4) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        stream = retrieval_pb2_grpc.RetrievalServiceStub(channel).SearchStream(
            iter([query(number) for number in range(10)]), timeout=30
        )
        for _ in range(3):
            assert gate.entered.acquire(timeout=10)
        assert not gate.entered.acquire(timeout=0.3)
        assert server._admission.counts() == (3, 0)
        gate.open.set()
        assert sorted(answer.sequence for answer in stream) == list(range(10))


def test_a_client_that_reads_no_answers_stops_its_own_stream_alone(tiny_model: Path) -> None:
    """Its answers fill the connection's window; then the server reads no further, and others are served."""
    embedder = Embedder(tiny_model)
    large = NewItem(item_id="large", vector=QUERY, thumbnail=bytes(2_000_000))
    engine = Engine(embedder, {"g": MemoryGallery([large], model_fingerprint=embedder.fingerprint, dimension=8)})

    def searches() -> int:
        return engine.stages.counts()[Stage.SEARCH]

    requests = [query(number, fields=types_pb2.FieldMask(thumbnail=True)) for number in range(40)]
    with (
        running_server(engine, max_in_flight=1, max_stream_requests=4) as server,
        grpc.insecure_channel(server.address) as channel,
        grpc.insecure_channel(server.address, options=[("grpc.use_local_subchannel_pool", 1)]) as other,
    ):
        stream = retrieval_pb2_grpc.RetrievalServiceStub(channel).SearchStream(iter(requests), timeout=30)
        wait_for(lambda: searches() >= 4)
        threading.Event().wait(0.5)
        stuck = searches()
        assert stuck <= 20  # a few are in the buffers of the connection, and 4 in the stream's own places
        assert len(retrieval_pb2_grpc.RetrievalServiceStub(other).Search(query(0).request, timeout=5).hits) == 1
        assert searches() == stuck + 1
        assert len(list(stream)) == 40


def test_idle_streams_keep_nobody_waiting(engine: Engine) -> None:
    """With every stream taken and idle, unary calls and health are answered, and one more stream is refused."""
    with (
        running_server(engine, max_streams=16, max_in_flight=2, max_waiting=2) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        stub = retrieval_pb2_grpc.RetrievalServiceStub(channel)
        idle = [Requests() for _ in range(16)]
        streams = [stub.SearchStream(iter(requests), timeout=30) for requests in idle]
        for requests, stream in zip(idle, streams, strict=True):
            requests.send(query(1))
            assert next(stream).sequence == 1
        for _ in range(50):
            assert len(stub.Search(query(0).request, timeout=5).hits) == 8
        assert health_of(server.address) == health_pb2.HealthCheckResponse.SERVING
        for _ in range(20):
            with pytest.raises(grpc.RpcError) as caught:
                list(stub.SearchStream(iter([query(1)]), timeout=5))
            assert reason_of(caught.value) == "OVERLOADED"
        assert "16 streams are open, the most" in str(caught.value.details())
        idle[0].end()
        assert list(streams[0]) == []
        wait_for(lambda: server._places.open == 15)
        assert len(list(stub.SearchStream(iter([query(1)]), timeout=5))) == 1
        for requests in idle[1:]:
            requests.end()


def test_a_cancelled_stream_gives_everything_back(engine: Engine, gate: Gate) -> None:
    with (
        running_server(engine, max_in_flight=2, max_stream_requests=8) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        stream = retrieval_pb2_grpc.RetrievalServiceStub(channel).SearchStream(
            iter([query(number) for number in range(20)]), timeout=30
        )
        for _ in range(2):
            assert gate.entered.acquire(timeout=10)
        stream.cancel()
        wait_for(lambda: server._places.open == 0)
        begun = engine.stages.counts()
        gate.open.set()
        wait_for(lambda: server._admission.counts() == (0, 0))
        assert engine.stages.counts() == begun


def test_a_deadline_ends_a_stream(engine: Engine) -> None:
    requests = Requests()
    with running_server(engine) as server, grpc.insecure_channel(server.address) as channel:
        stream = retrieval_pb2_grpc.RetrievalServiceStub(channel).SearchStream(iter(requests), timeout=0.3)
        requests.send(query(1))
        assert next(stream).sequence == 1
        with pytest.raises(grpc.RpcError) as caught:
            next(stream)
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        wait_for(lambda: server._places.open == 0)
        requests.end()


def test_stopping_answers_what_was_read_of_a_stream_and_says_unavailable(engine: Engine, gate: Gate) -> None:
    requests = Requests()
    with (
        running_server(engine, max_in_flight=1, max_stream_requests=4, grace_s=20) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        stream = retrieval_pb2_grpc.RetrievalServiceStub(channel).SearchStream(iter(requests), timeout=30)
        requests.send(*[query(number) for number in range(2)])
        assert gate.entered.acquire(timeout=10)
        wait_for(lambda: server._admission.counts() == (1, 1))
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        wait_for(lambda: server._admission.is_closed)
        requests.send(query(2))  # too late
        gate.open.set()
        assert {next(stream).sequence, next(stream).sequence} == {0, 1}
        with pytest.raises(grpc.RpcError) as caught:
            next(stream)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        assert reason_of(caught.value) == "UNAVAILABLE"
        stopping.join(timeout=10)
        assert not stopping.is_alive()
        requests.end()


def test_idle_streams_do_not_keep_a_server_from_stopping(engine: Engine) -> None:
    requests = Requests()
    with running_server(engine, grace_s=20) as server, grpc.insecure_channel(server.address) as channel:
        stream = retrieval_pb2_grpc.RetrievalServiceStub(channel).SearchStream(iter(requests), timeout=30)
        requests.send(query(1))
        assert next(stream).sequence == 1
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        stopping.join(timeout=5)
        assert not stopping.is_alive()
        with pytest.raises(grpc.RpcError) as caught:
            next(stream)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        requests.end()


def upsert(sequence: int, *item_ids: str) -> gallery_pb2.UpsertItemsStreamRequest:
    items = [gallery_pb2.NewItem(item_id=item_id, vector=query_vector()) for item_id in item_ids]
    return gallery_pb2.UpsertItemsStreamRequest(sequence=sequence, request=gallery_pb2.UpsertItemsRequest(items=items))


def test_writes_are_done_in_order_and_a_refused_one_ends_nothing(tiny_model: Path, tmp_path: Path) -> None:
    embedder = Embedder(tiny_model)
    LiveGallery.create(tmp_path / "g", model_fingerprint=embedder.fingerprint, dimension=8)
    gallery = LiveGallery.open(tmp_path / "g", compaction=None)
    writes = [upsert(number, f"i{number}", "shared") for number in range(20)]
    writes.insert(10, upsert(99, ""))
    deletions = [
        gallery_pb2.DeleteItemsStreamRequest(
            sequence=number, request=gallery_pb2.DeleteItemsRequest(item_ids=[f"i{number}"])
        )
        for number in range(5)
    ]
    deletions.append(gallery_pb2.DeleteItemsStreamRequest(sequence=5))
    with (
        running_server(Engine(embedder, {"g": gallery})) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        stub = gallery_pb2_grpc.GalleryServiceStub(channel)
        answers = list(stub.UpsertItemsStream(iter(writes), timeout=30))
        assert [answer.sequence for answer in answers] == [write.sequence for write in writes]
        assert answers[10].error.reason == "INVALID_INPUT"
        numbers = [answer.response.sequence for answer in answers if answer.WhichOneof("outcome") == "response"]
        assert all(one < other for one, other in itertools.pairwise(numbers))
        assert len(numbers) == 20
        assert stub.CountItems(gallery_pb2.CountItemsRequest(), timeout=5).total == 21
        gone = list(stub.DeleteItemsStream(iter(deletions), timeout=30))
        assert [answer.response.item_count for answer in gone[:5]] == [1] * 5
        assert gone[5].error.reason == "INVALID_INPUT"
        assert stub.CountItems(gallery_pb2.CountItemsRequest(), timeout=5).total == 16
