"""What gRPC says went wrong, and what the caller is told."""

from collections.abc import Iterator
from concurrent import futures
from typing import Any

import grpc
import pytest

from smserve.client import Client
from smserve.errors import Unavailable


@pytest.fixture
def address() -> Iterator[str]:
    """Of a server that ends calls without an answer, as gRPC does with those that come while it stops."""

    def let_go(_request: Any, context: Any) -> Any:
        context.cancel()

    server = grpc.server(futures.ThreadPoolExecutor(2))
    handler: grpc.RpcMethodHandler[Any, Any] = grpc.unary_unary_rpc_method_handler(let_go)
    server.add_registered_method_handlers("smserve.v1.RetrievalService", {"GetServerInfo": handler})
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None).wait(10)


def test_a_call_that_the_server_lets_go_of_may_be_tried_again(address: str) -> None:
    with Client(address) as client, pytest.raises(Unavailable, match=r"let go of the call .* try again shortly"):
        client.info()
