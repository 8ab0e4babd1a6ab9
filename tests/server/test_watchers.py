"""Health over a real socket: many watchers, who come and leave, and a server that stops under them."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped]  # ships no types

from smserve.engine import Engine
from smserve.server import Server, ServerSettings

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


@pytest.fixture
def server(engine: Engine) -> Iterator[Server]:
    server = Server(ServerSettings(port=0))
    server.start(engine)
    yield server
    server.hurry()
    server.stop()


def watch(channel: grpc.Channel, service: str = "") -> Any:  # a call, and an iterator
    return health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=service), timeout=30)


def test_watchers_of_an_unknown_service_are_told_so(server: Server) -> None:
    with grpc.insecure_channel(server.address) as channel:
        assert next(watch(channel, "nobody")).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


def test_more_watchers_than_threads_leave_room_for_checks(server: Server) -> None:
    with grpc.insecure_channel(server.address) as channel:
        watching = [watch(channel) for _ in range(200)]
        assert [next(each).status for each in watching] == [SERVING] * 200
        assert health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=5).status == SERVING


def test_watchers_hear_of_the_stop_and_their_streams_end_with_it(server: Server) -> None:
    with grpc.insecure_channel(server.address) as channel:
        watching = [watch(channel) for _ in range(10)]
        for each in watching:
            next(each)
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 5, "the grace is 25 s: nobody may wait for watchers"
        assert [[answer.status for answer in each] for each in watching] == [[NOT_SERVING]] * 10


def test_a_server_stops_while_watchers_leave(server: Server) -> None:
    """With the library's own servicer this stood still for ever in two of three tries."""
    stop = threading.Event()

    def come_and_leave() -> None:
        with grpc.insecure_channel(server.address) as channel:
            while not stop.is_set():
                try:
                    watching = watch(channel)
                    next(watching)
                    watching.cancel()
                except (grpc.RpcError, StopIteration):
                    return  # the server has stopped

    threads = [threading.Thread(target=come_and_leave) for _ in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    stopping = threading.Thread(target=server.stop, daemon=True)
    stopping.start()
    stopping.join(timeout=15)
    stop.set()
    assert not stopping.is_alive()
    for thread in threads:
        thread.join(timeout=15)
        assert not thread.is_alive()
