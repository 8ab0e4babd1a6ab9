"""Callers that wait for each answer before they ask again, and stop when health says that the server stops."""

import threading
import time
from collections.abc import Iterable, Sequence
from typing import Final

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped]  # ships no types

from smserve.config import MAX_MESSAGE_BYTES
from smserve.v1 import retrieval_pb2, retrieval_pb2_grpc

__all__ = ["Callers", "Watch"]

_OPTIONS = [("grpc.max_send_message_length", MAX_MESSAGE_BYTES), ("grpc.use_local_subchannel_pool", 1)]
_SERVICE: Final = "smserve.v1.RetrievalService"


class Callers:
    """Threads with a channel each; a context manager that lets them ask inside the block.

    Attributes:
        seconds: That answers took, by caller.
        failures: Codes and details of calls that failed.
    """

    def __init__(self, address: str, picture: bytes, count: int) -> None:
        self._address: Final = address
        self._request: Final = retrieval_pb2.SearchRequest(image=picture)
        self._stop: Final = threading.Event()
        self.seconds: Final[Sequence[list[float]]] = [[] for _ in range(count)]
        self.failures: Final[list[str]] = []
        self._threads: Final = [threading.Thread(target=self._ask, args=(own,)) for own in self.seconds]

    @property
    def count(self) -> int:
        """Answers so far."""
        return sum(map(len, self.seconds))

    def __enter__(self) -> "Callers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, seconds: list[float]) -> None:
        with grpc.insecure_channel(self._address, options=_OPTIONS) as channel:
            search = retrieval_pb2_grpc.RetrievalServiceStub(channel).Search
            watching = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=_SERVICE))
            threading.Thread(target=self._stop_with, args=(watching,), daemon=True).start()
            while not self._stop.is_set():
                began = time.perf_counter()
                try:
                    search(self._request, timeout=60)
                except grpc.RpcError as error:
                    self.failures.append(f"{error.code().name} {error.details()}")
                    return
                seconds.append(time.perf_counter() - began)
            watching.cancel()

    def _stop_with(self, watching: Iterable[health_pb2.HealthCheckResponse]) -> None:
        """Stop asking when the server is no longer ready, as a load balancer would."""
        try:
            for answer in watching:
                if answer.status != health_pb2.HealthCheckResponse.SERVING:
                    break
        except grpc.RpcError:
            pass  # the stream ends with the server, or with the caller
        self._stop.set()


class Watch:
    """A probe that asks for health all the while, as an orchestrator does; a context manager.

    Attributes:
        answered: Probes that were answered with SERVING within a second.
        asked: Probes.
    """

    _EVERY_S: Final = 0.05

    def __init__(self, address: str) -> None:
        self._address: Final = address
        self._stop: Final = threading.Event()
        self.answered = 0
        self.asked = 0
        self._thread: Final = threading.Thread(target=self._probe)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _probe(self) -> None:
        with grpc.insecure_channel(self._address, options=_OPTIONS) as channel:
            check = health_pb2_grpc.HealthStub(channel).Check
            while not self._stop.wait(self._EVERY_S):
                self.asked += 1
                try:
                    answer = check(health_pb2.HealthCheckRequest(service=_SERVICE), timeout=1)
                    self.answered += answer.status == health_pb2.HealthCheckResponse.SERVING
                except grpc.RpcError as error:
                    print(f"health: {error.code().name} {error.details()}")
