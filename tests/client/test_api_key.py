"""A client's key: where it is sent, and where it is not."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest

from smserve.client import AsyncClient, Client, Tls
from smserve.client.address import is_loopback
from smserve.errors import InvalidInput
from smserve.v1 import retrieval_pb2, retrieval_pb2_grpc

SECRET = "smserve_" + "s3cr3t" * 7

Connect = Callable[..., Any]


@pytest.mark.parametrize(
    "address", ["127.0.0.1:50051", "127.1.2.3:1", "localhost:1", "[::1]:1", "unix:/run/smserve", "dns:///localhost:1"]
)
def test_a_key_may_go_to_this_machine_in_plaintext(connect: Connect, address: str) -> None:
    assert is_loopback(address)
    connect(address, api_key=SECRET)


@pytest.mark.parametrize(
    "address",
    ["10.0.0.1:1", "search.example.org:50051", "localhost.example.org:1", "127.0.0.1.example.org:1", "dns:///other:1"],
)
def test_a_key_goes_to_no_other_machine_in_plaintext(connect: Connect, address: str) -> None:
    with pytest.raises(InvalidInput, match=f"everybody on the way to {address} can read the API key") as caught:
        connect(address, api_key=SECRET)
    assert "tls=smserve.Tls(), --tls" in caught.value.message
    assert "insecure=True (--insecure)" in caught.value.message
    connect(address, api_key=SECRET, insecure=True)
    connect(address, api_key=SECRET, tls=Tls())
    connect(address)


@pytest.mark.parametrize("key", ["", SECRET + "\n", "with spaces", "schlüssel", "x" * 513, "nul\0"])
def test_what_is_no_key(connect: Connect, key: str) -> None:
    with pytest.raises(InvalidInput, match=f"the API key has {len(key)} characters") as caught:
        connect("127.0.0.1:1", api_key=key)
    assert not key or key not in caught.value.message


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_a_client_does_not_show_its_key(kind: Any) -> None:
    client = kind("127.0.0.1:1", api_key=SECRET)
    assert SECRET not in repr(client)
    assert SECRET not in str(vars(client))


class Flaky(retrieval_pb2_grpc.RetrievalServiceServicer):
    """Answers the third try, and remembers what each brought."""

    def __init__(self) -> None:
        self.brought: list[list[str | bytes]] = []

    def GetServerInfo(  # noqa: N802 - named by the proto
        self,
        request: retrieval_pb2.GetServerInfoRequest,  # noqa: ARG002 - nothing to ask
        context: grpc.ServicerContext,
    ) -> retrieval_pb2.GetServerInfoResponse:
        self.brought.append([value for key, value in context.invocation_metadata() if key == "authorization"])
        if len(self.brought) < 3:
            context.abort(grpc.StatusCode.UNAVAILABLE, "starting")
        return retrieval_pb2.GetServerInfoResponse(version="9")


def test_each_try_brings_the_key(connect: Connect) -> None:
    servicer = Flaky()  # type: ignore[abstract]  # its other methods answer UNIMPLEMENTED
    server = grpc.server(ThreadPoolExecutor(2))
    retrieval_pb2_grpc.add_RetrievalServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        assert connect(f"127.0.0.1:{port}", api_key=SECRET).info().version == "9"
    finally:
        server.stop(0).wait(10)
    assert servicer.brought == [[f"Bearer {SECRET}"]] * 3
