"""SIGTERM to a real process under load: what was asked before is answered, streams are told, the exit code is 0."""

import contextlib
import ctypes
import itertools
import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2  # type: ignore[import-untyped]  # ships no types

from smserve.client import Client
from smserve.errors import Unavailable
from smserve.gallery import LocalGallery
from smserve.types import FieldMask, UpsertItem
from smserve.v1 import retrieval_pb2, retrieval_pb2_grpc
from tests.server.asking import health_of, wait_for
from tests.support.pictures import draw, encode

SMSERVE = Path(sys.executable).with_name("smserve")
SEARCH = retrieval_pb2.SearchRequest(image=encode(draw("red")), top_k=5)


@contextlib.contextmanager
def serving(model: Path, gallery: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [str(SMSERVE), "serve", "--model", str(model), "--gallery", f"g={gallery}", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().split()[-1]
        finally:
            process.kill()


@contextlib.contextmanager
def killing(process: subprocess.Popen[str]) -> Iterator[None]:
    """Kill a server in the end, if it still runs, so that clients that ask for ever end, too."""
    try:
        yield
    finally:
        process.kill()


class Load:
    """Clients that ask again and again, and note what they asked before the server was told to stop."""

    def __init__(self, channels: list[grpc.Channel]) -> None:
        self.failed: list[object] = []
        self.answered: list[int] = []
        self.stopped_at = math.inf
        self._stubs = itertools.cycle([retrieval_pb2_grpc.RetrievalServiceStub(channel) for channel in channels])

    def unary(self) -> None:
        stub = next(self._stubs)
        while True:
            began = time.monotonic()
            try:
                self.answered.append(len(stub.Search(SEARCH, timeout=20).hits))
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
            for answer in next(self._stubs).SearchStream(requests(), timeout=30):
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


@pytest.mark.parametrize("option", ["--read-only", "--workers=2"])
def test_nothing_that_was_asked_before_fails(option: str, tiny_model: Path, drawn_gallery: Path) -> None:
    with serving(tiny_model, drawn_gallery, option) as (process, address), contextlib.ExitStack() as channels:
        load = Load(
            [  # each with a connection of its own, so that every worker has some
                channels.enter_context(grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)]))
                for _ in range(8)
            ]
        )
        with ThreadPoolExecutor(12) as pool, killing(process):
            running = [pool.submit(load.unary) for _ in range(8)] + [pool.submit(load.stream) for _ in range(4)]
            wait_for(lambda: len(load.answered) > 100, timeout_s=30)
            load.stopped_at = time.monotonic()
            process.send_signal(signal.SIGTERM)
            for each in running:
                each.result(timeout=30)
            assert process.wait(timeout=30) == 0
    assert load.failed == []
    assert set(load.answered) == {5}


def test_what_was_acknowledged_is_there(tiny_model: Path, drawn_gallery: Path, tmp_path: Path) -> None:
    gallery = tmp_path / "g"
    shutil.copytree(drawn_gallery, gallery)
    acknowledged: list[str] = []

    def write(writer: int, address: str) -> None:
        with Client(address) as client, contextlib.suppress(Unavailable):
            for number in itertools.count():
                name = f"{writer}-{number}"
                client.upsert([UpsertItem(item_id=name, vector=np.eye(8, dtype=np.float32)[writer])])
                acknowledged.append(name)

    with serving(tiny_model, gallery) as (process, address), ThreadPoolExecutor(4) as pool, killing(process):
        running = [pool.submit(write, writer, address) for writer in range(4)]
        wait_for(lambda: len(acknowledged) > 20, timeout_s=30)
        process.send_signal(signal.SIGTERM)
        for each in running:
            each.result(timeout=30)
        assert process.wait(timeout=30) == 0
    with closing(LocalGallery.open(gallery)) as stopped:
        assert [name for name in acknowledged if stopped.get(name, FieldMask()).item_id != name] == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux sends signals to the threads of others")
@pytest.mark.parametrize("options", [[], ["--workers=2"]], ids=["one process", "a worker"])
def test_a_signal_that_another_thread_was_given(options: list[str], tiny_model: Path, drawn_gallery: Path) -> None:
    """The kernel may choose any; and one that the main thread was given just before it waits is like it."""
    with serving(tiny_model, drawn_gallery, *options) as (process, _):
        tasks = Path(f"/proc/{process.pid}/task")
        pid = int((tasks / str(process.pid) / "children").read_text().split()[0]) if options else process.pid
        thread = next(int(task.name) for task in Path(f"/proc/{pid}/task").iterdir() if int(task.name) != pid)
        _tgkill(pid, thread, signal.SIGTERM)
        if options:
            wait_for(lambda: not Path(f"/proc/{pid}").exists(), timeout_s=20)
            process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0


def _tgkill(pid: int, thread: int, number: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.tgkill(pid, thread, number):  # glibc >= 2.30
        raise OSError(ctypes.get_errno(), "tgkill")


def test_a_server_that_is_still_loading_ends_at_once(tmp_path: Path) -> None:
    """Its model is a pipe, which nobody writes to: it waits in the middle of its start."""
    os.mkfifo(tmp_path / "model.onnx")
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    command = [
        str(SMSERVE),
        "serve",
        "--model",
        str(tmp_path / "model.onnx"),
        "--port",
        "0",
        "--health-port",
        str(port),
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            wait_for(lambda: is_not_serving(f"127.0.0.1:{port}"), timeout_s=30)
            time.sleep(0.5)  # it gets to the pipe; a signal on the very way into the kernel does not wake it
            process.send_signal(signal.SIGTERM)
            _, log = process.communicate(timeout=20)
        finally:
            process.kill()
    assert process.returncode == 0
    assert "Traceback" not in log


def is_not_serving(address: str) -> bool:
    try:
        return bool(health_of(address) == health_pb2.HealthCheckResponse.NOT_SERVING)
    except grpc.RpcError:
        return False
