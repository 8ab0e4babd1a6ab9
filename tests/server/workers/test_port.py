"""A reserved port: processes that share it get it, and nobody else."""

import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import grpc
import pytest

from smserve.errors import Unavailable
from smserve.server.workers.port import ReservedPort


def grpc_server(port: int, *, share: bool, host: str = "127.0.0.1") -> grpc.Server:
    """A server that has taken a port as `smserve.server` takes it."""
    server = grpc.server(ThreadPoolExecutor(1), options=[("grpc.so_reuseport", int(share))])
    server.add_insecure_port(f"{host}:{port}")
    server.start()
    return server


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "0.0.0.0",  # noqa: S104 - for a moment
        pytest.param("[::1]", marks=pytest.mark.skipif(not Path("/proc/net/if_inet6").exists(), reason="no IPv6 here")),
    ],
)
def test_nobody_else_gets_it(host: str) -> None:
    with closing(ReservedPort(host, 0)) as reserved:
        assert reserved.port > 0
        with pytest.raises(Unavailable, match=rf"can't listen on .*:{reserved.port} \(Address already in use\)"):
            ReservedPort(host, reserved.port)
        with pytest.raises(RuntimeError):
            grpc_server(reserved.port, share=False, host=host)
    ReservedPort(host, reserved.port).close()


def test_those_that_share_it_do() -> None:
    with closing(ReservedPort("127.0.0.1", 0)) as reserved:
        servers = [grpc_server(reserved.port, share=True) for _ in range(2)]
        with pytest.raises(Unavailable):
            ReservedPort("127.0.0.1", reserved.port)
        for server in servers:
            server.stop(0).wait(10)


@pytest.mark.parametrize("share", [False, True])
def test_a_port_that_a_server_has_is_taken(share: bool) -> None:
    with closing(ReservedPort("127.0.0.1", 0)) as free:
        port = free.port
    server = grpc_server(port, share=share)
    with pytest.raises(Unavailable, match="choose another with --health-port"):
        ReservedPort("127.0.0.1", port, option="--health-port")
    server.stop(0).wait(10)


def test_connections_that_linger_do_not_take_it() -> None:
    """A server that has just stopped leaves them, and is started again with more workers."""
    with socket.create_server(("127.0.0.1", 0)) as server:  # with SO_REUSEADDR, without SO_REUSEPORT, as gRPC's
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
            accepted, _ = server.accept()
            accepted.close()  # who closes first keeps the connection for a minute
            assert client.recv(1) == b""
    ReservedPort("127.0.0.1", port).close()


def test_a_host_that_is_not_there() -> None:
    with pytest.raises(Unavailable, match=r"can't listen on 192\.0\.2\.1:0 \("):
        ReservedPort("192.0.2.1", 0)
    with pytest.raises(Unavailable, match=r"can't listen on nowhere\.invalid:0 \("):
        ReservedPort("nowhere.invalid", 0)
