"""Small questions to a running server, as any gRPC client asks them."""

import threading
from collections.abc import Callable
from typing import Any

import grpc
import numpy as np
import pytest
from google.rpc import error_details_pb2  # type: ignore[import-untyped]  # ships no types
from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped]  # ships no types
from grpc_status import rpc_status  # type: ignore[import-untyped]  # ships no types

from smserve.gallery.interface import Neighbours
from smserve.v1 import types_pb2
from smserve.wire.vectors import vector_to_proto
from tests.support.memory_gallery import MemoryGallery

SERVICES = ["smserve.v1.RetrievalService", "smserve.v1.GalleryService"]
QUERY = np.eye(8, dtype=np.float32)[0]


class Gate:
    """Holds every search of a gallery until it is opened."""

    def __init__(self, gallery: MemoryGallery, monkeypatch: pytest.MonkeyPatch) -> None:
        self.entered = threading.Semaphore(0)
        self.open = threading.Event()
        search = gallery.search

        def held(*query: Any) -> Neighbours:
            self.entered.release()
            assert self.open.wait(30)
            return search(*query)

        monkeypatch.setattr(gallery, "search", held)  # a gallery as slow as the test needs it


def health_of(address: str, service: str = "") -> int:
    with grpc.insecure_channel(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        return int(stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=5).status)


def query_vector() -> types_pb2.Vector:
    return vector_to_proto(QUERY)


def reason_of(error: grpc.RpcError) -> str:
    """Return the reason in an error's ErrorInfo; there must be one, and it must be ours."""
    info = error_details_pb2.ErrorInfo()
    assert rpc_status.from_call(error).details[0].Unpack(info)
    assert info.domain == "smserve"
    return str(info.reason)


def wait_for(condition: Callable[[], bool], timeout_s: float = 10) -> None:
    clock = threading.Event()
    for _ in range(int(timeout_s / 0.01)):
        if condition():
            return
        clock.wait(0.01)
    pytest.fail("it never came true")
