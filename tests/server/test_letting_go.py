"""A call that has ended is let go of at once, picture and all: not only when Python looks for cycles."""

import gc
from collections.abc import Callable, Iterator
from contextlib import suppress

import grpc
import pytest

from smserve.engine import Engine
from smserve.errors import SmserveError
from smserve.server.record import CallRecord
from smserve.v1 import gallery_pb2, gallery_pb2_grpc, retrieval_pb2, retrieval_pb2_grpc
from tests.server.asking import Gate, query_vector, wait_for
from tests.support.running import running_server

_CALLS = 5
_DAMAGED = b"\xff\xd8\xff\xe0" + bytes(200)


def search(channel: grpc.Channel) -> None:
    retrieval_pb2_grpc.RetrievalServiceStub(channel).Search(retrieval_pb2.SearchRequest(item_id="e0"), timeout=5)


def search_with_a_damaged_picture(channel: grpc.Channel) -> None:
    request = retrieval_pb2.SearchRequest(image=_DAMAGED)
    retrieval_pb2_grpc.RetrievalServiceStub(channel).Search(request, timeout=5)


def embed_a_damaged_picture(channel: grpc.Channel) -> None:
    request = retrieval_pb2.EmbedRequest(images=[_DAMAGED])
    retrieval_pb2_grpc.RetrievalServiceStub(channel).Embed(request, timeout=5)


def search_with_many(channel: grpc.Channel) -> None:
    requests = [
        retrieval_pb2.SearchRequest(image=_DAMAGED),
        retrieval_pb2.SearchRequest(gallery="nowhere", item_id="e0"),
        retrieval_pb2.SearchRequest(item_id="nothing"),
        retrieval_pb2.SearchRequest(vector=query_vector(), filter="="),
    ]
    request = retrieval_pb2.BatchSearchRequest(requests=requests)
    retrieval_pb2_grpc.RetrievalServiceStub(channel).BatchSearch(request, timeout=5)


def write_in_part(channel: grpc.Channel) -> None:
    items = [
        gallery_pb2.NewItem(item_id="e0", image=_DAMAGED),
        gallery_pb2.NewItem(item_id="e1", vector=query_vector(), payload=b"no JSON"),
        gallery_pb2.NewItem(item_id="e2", vector=query_vector()),
    ]
    request = gallery_pb2.UpsertItemsRequest(items=items, partial=True)
    gallery_pb2_grpc.GalleryServiceStub(channel).UpsertItems(request, timeout=5)


def list_an_unknown_gallery(channel: grpc.Channel) -> None:
    request = gallery_pb2.ListItemsRequest(gallery="nowhere")
    gallery_pb2_grpc.GalleryServiceStub(channel).ListItems(request, timeout=5)


def stage_for_an_unknown_gallery(channel: grpc.Channel) -> None:
    request = gallery_pb2.StageModelRequest(gallery="nowhere")
    list(gallery_pb2_grpc.GalleryServiceStub(channel).StageModel(request, timeout=5))


def send_a_stream_of_no_messages(channel: grpc.Channel) -> None:
    method: grpc.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(
        "/smserve.v1.RetrievalService/SearchStream"
    )
    list(method(iter([b"\xff\xff"]), timeout=5))


def leave_a_stream(channel: grpc.Channel) -> None:
    def never_ending() -> Iterator[retrieval_pb2.SearchStreamRequest]:
        while True:
            yield retrieval_pb2.SearchStreamRequest(request=retrieval_pb2.SearchRequest(item_id="e0"))

    answers = retrieval_pb2_grpc.RetrievalServiceStub(channel).SearchStream(never_ending(), timeout=30)
    next(answers)
    answers.cancel()


@pytest.fixture
def no_search_for_cycles() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def held() -> int:
    """Return how many calls, and errors that were told of, are still there; the caller here makes none of its own.

    By their types, since looking closer at what others made may warn.
    """
    return sum(issubclass(type(one), CallRecord | SmserveError) for one in gc.get_objects())


@pytest.mark.usefixtures("no_search_for_cycles")
@pytest.mark.parametrize(
    "ask",
    [
        search,
        search_with_a_damaged_picture,
        embed_a_damaged_picture,
        search_with_many,
        write_in_part,
        list_an_unknown_gallery,
        stage_for_an_unknown_gallery,
        send_a_stream_of_no_messages,
        leave_a_stream,
    ],
)
def test_an_ended_call_is_let_go_of(engine: Engine, ask: Callable[[grpc.Channel], None]) -> None:
    with running_server(engine) as server, grpc.insecure_channel(server.address) as channel:
        before = held()
        for _ in range(_CALLS):
            with suppress(grpc.RpcError):
                ask(channel)
        wait_for(lambda: held() <= before, timeout_s=1)


@pytest.mark.usefixtures("no_search_for_cycles")
def test_a_call_that_is_turned_away_is_let_go_of(engine: Engine, gate: Gate) -> None:
    with (
        running_server(engine, max_in_flight=1, max_waiting=0) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        stub = retrieval_pb2_grpc.RetrievalServiceStub(channel)
        answered = stub.Search.future(retrieval_pb2.SearchRequest(vector=query_vector()), timeout=30)
        assert gate.entered.acquire(timeout=30)
        before = held()
        for _ in range(_CALLS):
            with pytest.raises(grpc.RpcError, match="RESOURCE_EXHAUSTED"):
                search_with_a_damaged_picture(channel)
        wait_for(lambda: held() <= before, timeout_s=1)
        gate.open.set()
        assert answered.result().hits
