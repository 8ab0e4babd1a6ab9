"""Start to SERVING: seconds from the start of `smserve serve` with 1,000,000 x 64 to the health service's SERVING.

The gallery is written through the writer (some minutes) and kept under --cache for the next run, once searched exactly
and once with an IVF index of the same vectors. Each start is a new process; the kernel's page cache is warm, as after a
restart of the server: --cold asks the kernel to forget the gallery's files before each start. Then what a start
consists of, measured in this process: hashing every file, loading the index, the records. On a machine that is busy
with other things the server's own processor time, printed beside, says more. `--quick` takes 20,000 items.
"""

import argparse
import hashlib
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped]  # ships no types

from benchmarks.evidence import describe_machine, print_measure
from benchmarks.server_process import COMMAND, processor_s
from benchmarks.vector_search.data import DIMENSION, Data
from smserve.gallery import LocalGallery, LocalGalleryWriter, NewItem
from smserve.gallery.index import IndexChoice, VectorIndex
from smserve.gallery.publication import BuiltIndex
from smserve.model_file import fingerprint
from smserve.types import FloatArray
from tests.support.tiny_model import write_tiny_model

GOAL_S = 3.0
BATCH = 2000
READY = "ready"


def main(arguments: list[str]) -> None:
    """Make the galleries where they are not there yet, and start servers."""
    parser = argparse.ArgumentParser(prog="benchmarks startup", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="20,000 items")
    parser.add_argument("--starts", type=int, default=5, help="starts a gallery (default: 5)")
    parser.add_argument("--cold", action="store_true", help="drop the gallery's files from the page cache before")
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path(tempfile.gettempdir()) / "smserve-benchmarks",
        help="where the galleries are kept",
    )
    options = parser.parse_args(arguments)
    count, size = (20_000, "20k") if options.quick else (1_000_000, "1m")
    print(f"Start to SERVING with {count:,} x {DIMENSION}; {describe_machine()}.", flush=True)
    options.cache.mkdir(parents=True, exist_ok=True)
    model = write_tiny_model(options.cache / "model.onnx", dimension=DIMENSION)
    exact = gallery_of(options.cache / f"startup-{size}-exact", model, count)
    measure(model, exact, f"startup.ready_s_{size}", options)
    measure(
        model, with_ivf(exact, options.cache / f"startup-{size}-ivf", model), f"startup.ready_s_{size}_ivf", options
    )


def measure(model: Path, gallery: Path, name: str, options: argparse.Namespace) -> None:
    """Start servers, and print how long each took."""
    seconds, processor = [], []
    for _ in range(options.starts):
        if options.cold:
            forget(gallery)
        waited, spent = start_s(model, gallery)
        seconds.append(waited)
        processor.append(spent)
    print_parts(gallery)
    print_measure(f"{name}.processor", processor, better="lower")
    print_measure(name, seconds, goal=GOAL_S, better="lower")


def gallery_of(folder: Path, model: Path, count: int) -> Path:
    """Return a gallery of the model, which is written when it is not there."""
    wanted = fingerprint(model.read_bytes())
    if (folder / READY).exists() and (folder / READY).read_text(encoding="utf-8") == wanted:
        return folder / "gallery"
    shutil.rmtree(folder, ignore_errors=True)
    vectors = Data.drawn(count, 100).vectors
    started = time.perf_counter()
    with LocalGalleryWriter(folder / "gallery", model_fingerprint=wanted, dimension=DIMENSION) as writer:
        for start in range(0, count, BATCH):
            writer.upsert(
                [
                    NewItem(
                        item_id=f"{number:07d}.jpg",
                        vector=vector,
                        label=f"class-{number % 1000}",
                        payload={"price": number % 100},
                        source_uri=f"photos/{number:07d}.jpg",
                    )
                    for number, vector in enumerate(vectors[start : start + BATCH], start)
                ]
            )
        print(f"{count:,} items written in {time.perf_counter() - started:.0f} s", flush=True)
        writer.publish()
    print(f"published after {time.perf_counter() - started:.0f} s", flush=True)
    (folder / READY).write_text(wanted, encoding="utf-8")
    return folder / "gallery"


def with_ivf(exact: Path, folder: Path, model: Path) -> Path:
    """Return a copy of the gallery that is searched with an IVF index, which is made when it is not there."""
    wanted = fingerprint(model.read_bytes())
    if not ((folder / READY).exists() and (folder / READY).read_text(encoding="utf-8") == wanted):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(exact, folder / "gallery")
        for path in (folder / "gallery" / "generations").iterdir():
            shutil.rmtree(path)  # its number would be kept as the one to go back to
        with LocalGalleryWriter(folder / "gallery", model_fingerprint=wanted, dimension=DIMENSION) as writer:
            writer.publish(ivf_index)
        (folder / READY).write_text(wanted, encoding="utf-8")
    return folder / "gallery"


def ivf_index(vectors: FloatArray) -> BuiltIndex:
    """Build what a large gallery would be tuned to."""
    choice = IndexChoice(index=f"IVF{round(4 * len(vectors) ** 0.5)},Flat", nprobe=16)
    index = VectorIndex.build(vectors, choice, threads=os.cpu_count() or 1)
    return BuiltIndex(index=index, recall={"kind": "not measured"})


def start_s(model: Path, gallery: Path) -> tuple[float, float]:
    """Start a server, and return the seconds until health says SERVING: by the clock, and of its processor time."""
    began = time.perf_counter()
    with subprocess.Popen(
        [*COMMAND, "--model", str(model), "--gallery", str(gallery), "--log-level", "error"],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            line = process.stdout.readline() if process.stdout is not None else ""
            if not line.startswith("listening on "):
                sys.exit(f"Error: the server ended with status {process.wait()}; see above")
            with grpc.insecure_channel(line.split()[-1]) as channel:
                request = health_pb2.HealthCheckRequest(service="smserve.v1.RetrievalService")
                answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=30)
            seconds, spent = time.perf_counter() - began, processor_s(process.pid)
            if answer.status != health_pb2.HealthCheckResponse.SERVING:
                sys.exit(f"Error: health says {answer.status} after the server said that it listens")
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)
        finally:
            if process.poll() is None:
                process.kill()
    return seconds, spent


def print_parts(gallery: Path) -> None:
    """Print what a start's work in the gallery takes, each alone."""
    (index,) = gallery.glob("generations/*/index.faiss")
    files = [path for path in index.parent.iterdir() if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    hashed = timed(lambda: [hashlib.file_digest(path.open("rb"), "sha256") for path in files])
    print(f"  {size / 2**20:,.0f} MiB of files: sha256 in {hashed:.2f} s, {size / hashed / 2**20:,.0f} MiB/s")
    print(f"  index.faiss loaded in {timed(lambda: VectorIndex.load(index, IndexChoice())):.3f} s")
    print(
        f"  gallery opened in {timed(lambda: LocalGallery.open(gallery).close()):.2f} s, all of this in it", flush=True
    )


def timed(work: Callable[[], object]) -> float:
    """Return the median of three runs' seconds."""
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def forget(folder: Path) -> None:
    """Ask the kernel to drop a folder's files from its page cache."""
    for path in folder.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            os.fsync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)
