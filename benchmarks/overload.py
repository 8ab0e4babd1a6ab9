"""Four times what a server can do, for a minute; then the way back, and SIGTERM under load.

Capacity is what 16 callers that wait for their answers get. Then a process of its own sends searches at four times
that rate, each with a deadline of 2 s, while a probe asks for health 20 times a second. Recovery is the time from the
end of the load until searches take no longer than twice what they took before. Last, 20 servers are told to stop while
8 callers search, who stop asking when health says so. A search is a drawn picture of 1,600 x 1,200 pixels and 0.3 MB:
nearly all of the work is decoding it. Callers and server share the machine. `--quick` takes 10 s and 3 servers.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import grpc
import numpy as np
from PIL import ImageFilter

from benchmarks.evidence import describe_machine, print_measure
from benchmarks.overloading.callers import Callers, Watch
from benchmarks.overloading.load import ENDED, Answers, load_command
from benchmarks.server_process import ServerProcess
from smserve.gallery import LiveGallery, NewItem
from smserve.model_file import fingerprint
from smserve.v1 import retrieval_pb2, retrieval_pb2_grpc
from tests.gallery.brute_force import unit_vectors
from tests.support.pictures import draw, encode
from tests.support.tiny_model import write_tiny_model

_TIMES: Final = 4
_DEADLINE_S: Final = 2.0
_CALLERS: Final = 16
_ITEMS: Final = 1000
_DIMENSION: Final = 64


def main(arguments: list[str]) -> None:
    """Measure, and print the measures."""
    parser = argparse.ArgumentParser(prog="benchmarks overload", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="of overload (default: 60)")
    parser.add_argument("--stops", type=int, default=20, help="servers that are told to stop (default: 20)")
    parser.add_argument("--quick", action="store_true", help="10 s and 3 servers")
    options = parser.parse_args(arguments)
    seconds, stops = (10.0, 3) if options.quick else (options.seconds, options.stops)
    print(f"{_TIMES} times capacity for {seconds:.0f} s; {describe_machine()}.", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        model, gallery = _make(Path(folder))
        picture = Path(folder) / "picture.jpg"
        photo = draw("red", size=(1600, 1200)).filter(ImageFilter.GaussianBlur(0.7))  # as grainy as one
        picture.write_bytes(encode(photo, "JPEG", quality=85))
        with ServerProcess(model, "--gallery", str(gallery)) as server:
            _overload(server, picture, seconds)
        failed = [_stopped(model, gallery, picture.read_bytes(), number) for number in range(stops)]
    print_measure("overload.sigterm_failed_requests", [sum(failed)], goal=0, better="lower")


def _make(folder: Path) -> tuple[Path, Path]:
    model, gallery = write_tiny_model(folder / "model.onnx", dimension=_DIMENSION), folder / "g"
    LiveGallery.create(gallery, model_fingerprint=fingerprint(model.read_bytes()), dimension=_DIMENSION)
    with LiveGallery.open(gallery, compaction=None) as live:
        vectors = unit_vectors(_ITEMS, _DIMENSION, seed=0)
        live.upsert([NewItem(item_id=str(row), vector=vector) for row, vector in enumerate(vectors)])
        live.compact()
    return model, gallery


def _overload(server: ServerProcess, picture: Path, seconds: float) -> None:
    data = picture.read_bytes()
    alone = statistics.median(_one(server.address, data) for _ in range(20))
    capacity = _capacity(server.address, data, 5 if seconds < 60 else 20)
    print(f"capacity {capacity:.1f} searches a second, one alone takes {alone * 1e3:.1f} ms", flush=True)
    command = load_command(server.address, picture, rate=_TIMES * capacity, seconds=seconds, deadline_s=_DEADLINE_S)
    with (
        Watch(server.address) as health,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as load,
    ):
        if load.stdout is None or load.stdout.readline().strip() != ENDED:
            sys.exit(f"Error: the load ended with status {load.wait(timeout=60)}")
        recovery = _recovery_s(server.address, data, alone)
        answers: Answers = json.loads(load.stdout.read())
    sent = sum(map(len, answers.values()))
    print(
        f"{sent:,} searches sent, {sent / seconds / capacity:.2f} times capacity: "
        f"{', '.join(f'{len(took):,} {code} (p50 {1e3 * np.median(took):.0f} ms)' for code, took in answers.items())}; "
        f"health asked {health.asked} times"
    )
    shed = answers.get("RESOURCE_EXHAUSTED")
    if not shed:
        sys.exit("Error: nothing was shed, so that there was no overload to measure")
    print_measure("overload.goodput", [len(answers.get("OK", [])) / seconds / capacity], goal=0.8, better="higher")
    print_measure("overload.health_answered", [health.answered / health.asked], goal=1, better="higher")
    print_measure("overload.shed_p99_ms", [1e3 * float(np.quantile(shed, 0.99))], goal=50, better="lower")
    print_measure("overload.recovery_s", [recovery], goal=2, better="lower")


def _one(address: str, picture: bytes) -> float:
    """Return what one search took, by a new channel each time."""
    with grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
        grpc.channel_ready_future(channel).result(timeout=10)
        began = time.perf_counter()
        search = retrieval_pb2_grpc.RetrievalServiceStub(channel).Search
        search(retrieval_pb2.SearchRequest(image=picture), timeout=30)
        return time.perf_counter() - began


def _capacity(address: str, picture: bytes, seconds: float) -> float:
    """Return the searches a second that callers get who wait for their answers."""
    with Callers(address, picture, _CALLERS) as callers:
        time.sleep(seconds / 5)
        before, began = callers.count, time.perf_counter()
        time.sleep(seconds)
        rate = (callers.count - before) / (time.perf_counter() - began)
    if callers.failures:
        sys.exit(f"Error: capacity can't be measured: {callers.failures[0]}")
    return rate


def _recovery_s(address: str, picture: bytes, alone: float) -> float:
    """Return the seconds until three searches in a row take no longer than twice what one took before."""
    ended = time.perf_counter()
    quick = 0
    while quick < 3:
        began = time.perf_counter()
        try:
            quick = quick + 1 if _one(address, picture) <= 2 * alone else 0
        except grpc.RpcError:
            quick = 0
        if quick == 1:
            recovered = began
        if began - ended > 60:
            return float("inf")
    return max(0.0, recovered - ended)


def _stopped(model: Path, gallery: Path, picture: bytes, number: int) -> int:
    """Tell a server to stop while it is searched; returns failed searches, and one more for an exit code but 0."""
    with (
        ServerProcess(model, "--gallery", str(gallery), "--drain-delay", "0.5") as server,
        Callers(server.address, picture, 8) as callers,
    ):
        time.sleep(0.5 + 0.05 * number)
        server.terminate()
        code = server.wait()
    for failure in callers.failures[:3]:
        print(f"failed: {failure}")
    if code != 0 or callers.count == 0:
        print(f"server {number} ended with {code} after {callers.count} answers")
    return len(callers.failures) + (code != 0 or callers.count == 0)
