"""SIGTERM to a real process under load: what was asked before is answered, streams are told, the exit code is 0."""

import contextlib
import math
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc

from smserve.v1 import retrieval_pb2, retrieval_pb2_grpc
from tests.server.asking import wait_for
from tests.support.pictures import draw, encode

SMSERVE = Path(sys.executable).with_name("smserve")
SEARCH = retrieval_pb2.SearchRequest(image=encode(draw("red")), top_k=5)


@contextlib.contextmanager
def serving(model: Path, gallery: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [str(SMSERVE), "serve", "--model", str(model), "--gallery", f"g={gallery}", "--port", "0", "--read-only"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().split()[-1]
        finally:
            process.kill()


class Load:
    """Clients that ask again and again, and note what they asked before the server was told to stop."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.failed: list[object] = []
        self.answered: list[int] = []
        self.stopped_at = math.inf
        self._stub = retrieval_pb2_grpc.RetrievalServiceStub(channel)

    def unary(self) -> None:
        while True:
            began = time.monotonic()
            try:
                self.answered.append(len(self._stub.Search(SEARCH, timeout=20).hits))
            except grpc.RpcError as error:
                if began < self.stopped_at:
                    self.failed.append(error)
                return

    def stream(self) -> None:
        """Ask one query at a time in a stream that the server ends."""
        sent: list[float] = []
        more = threading.Semaphore(1)
        over = threading.Event()

        def requests() -> Iterator[retrieval_pb2.SearchStreamRequest]:
            while more.acquire(timeout=10) and not over.is_set():
                sent.append(time.monotonic())
                yield retrieval_pb2.SearchStreamRequest(sequence=len(sent), request=SEARCH)

        count = 0
        try:
            for answer in self._stub.SearchStream(requests(), timeout=30):
                count += 1
                self.answered.append(len(answer.response.hits))
                more.release()
        except grpc.RpcError as error:
            asked = sum(time_s < self.stopped_at for time_s in sent)
            if error.code() is not grpc.StatusCode.UNAVAILABLE or asked > count:
                self.failed.append(error)
        finally:
            over.set()
            more.release()


def test_nothing_that_was_asked_before_fails(tiny_model: Path, drawn_gallery: Path) -> None:
    with serving(tiny_model, drawn_gallery) as (process, address), grpc.insecure_channel(address) as channel:
        load = Load(channel)
        with ThreadPoolExecutor(12) as pool:
            running = [pool.submit(load.unary) for _ in range(8)] + [pool.submit(load.stream) for _ in range(4)]
            wait_for(lambda: len(load.answered) > 100, timeout_s=30)
            load.stopped_at = time.monotonic()
            process.send_signal(signal.SIGTERM)
            for each in running:
                each.result(timeout=30)
        assert process.wait(timeout=30) == 0
    assert load.failed == []
    assert set(load.answered) == {5}
