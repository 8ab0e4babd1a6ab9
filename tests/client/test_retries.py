"""What both clients try again where a server says UNAVAILABLE: what only reads, and writes, which carry an id."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import numpy as np
import pytest

from smserve.errors import Unavailable
from smserve.types import UpsertItem
from smserve.v1 import gallery_pb2, gallery_pb2_grpc, retrieval_pb2, retrieval_pb2_grpc


class Flaky(retrieval_pb2_grpc.RetrievalServiceServicer, gallery_pb2_grpc.GalleryServiceServicer):
    """Answers each method at the third try."""

    def __init__(self) -> None:
        self.tries: Counter[str] = Counter()
        self.request_ids: set[str] = set()

    def _try(self, name: str, context: grpc.ServicerContext) -> None:
        self.tries[name] += 1
        if self.tries[name] < 3:
            context.abort(grpc.StatusCode.UNAVAILABLE, "starting")

    def GetServerInfo(  # noqa: N802 - named by the proto
        self,
        request: retrieval_pb2.GetServerInfoRequest,  # noqa: ARG002 - it asks nothing
        context: grpc.ServicerContext,
    ) -> retrieval_pb2.GetServerInfoResponse:
        self._try("GetServerInfo", context)
        return retrieval_pb2.GetServerInfoResponse(version="9")

    def SearchStream(  # noqa: N802 - named by the proto
        self,
        requests: Iterator[retrieval_pb2.SearchStreamRequest],  # noqa: ARG002 - refused whatever they ask
        context: grpc.ServicerContext,
    ) -> Iterator[retrieval_pb2.SearchStreamResponse]:
        self._try("SearchStream", context)
        yield retrieval_pb2.SearchStreamResponse()

    def UpsertItems(  # noqa: N802 - named by the proto
        self, request: gallery_pb2.UpsertItemsRequest, context: grpc.ServicerContext
    ) -> gallery_pb2.UpsertItemsResponse:
        self.request_ids.add(request.request_id)
        self._try("UpsertItems", context)
        return gallery_pb2.UpsertItemsResponse(item_count=len(request.items))

    def RollBack(  # noqa: N802 - named by the proto
        self,
        request: gallery_pb2.RollBackRequest,  # noqa: ARG002 - whatever it asks
        context: grpc.ServicerContext,
    ) -> gallery_pb2.RollBackResponse:
        self._try("RollBack", context)
        return gallery_pb2.RollBackResponse()


@pytest.fixture
def flaky() -> Iterator[tuple[Flaky, str]]:
    servicer = Flaky()  # type: ignore[abstract]  # its other methods answer UNIMPLEMENTED
    server = grpc.server(ThreadPoolExecutor(2))
    retrieval_pb2_grpc.add_RetrievalServiceServicer_to_server(servicer, server)
    gallery_pb2_grpc.add_GalleryServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield servicer, f"127.0.0.1:{port}"
    server.stop(0).wait(10)


def test_what_is_tried_again(connect: Callable[..., Any], flaky: tuple[Flaky, str]) -> None:
    servicer, address = flaky
    client = connect(address)
    assert client.info().version == "9"
    assert client.upsert([UpsertItem(item_id="a", vector=np.ones(2, np.float32))]).item_count == 1
    assert len(servicer.request_ids) == 1, "each try of one write has the same id"
    with pytest.raises(Unavailable, match="starting"):
        client.roll_back()
    assert servicer.tries == {"GetServerInfo": 3, "UpsertItems": 3, "RollBack": 1}


def test_a_stream_is_not_tried_again(connect: Callable[..., Any], flaky: tuple[Flaky, str]) -> None:
    """Else gRPC's own retries would keep it from ending once its server is killed."""
    servicer, address = flaky
    with pytest.raises(Unavailable, match=r"starting|before it had all of it"):  # grpc.aio may write when it ends
        list(connect(address).search_stream([np.ones(2, np.float32)], timeout_s=20))
    assert servicer.tries["SearchStream"] == 1
