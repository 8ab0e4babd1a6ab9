"""What `smserve serve` says at its start that it will take, beside what it takes.

Servers with a tiny model and galleries of 1,000 and 100,000 vectors of 64 dimensions, and with a real model where
--model names one; resident memory after 200 searches by vector, or, of a model alone, 40 pictures embedded by four
callers. The measures are errors, as shares of what is resident. `--quick` leaves out the large gallery.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.evidence import describe_machine, print_measure
from benchmarks.server_process import COMMAND, resident_bytes
from smserve.client import Client
from smserve.gallery import LiveGallery, NewItem
from smserve.model_file import fingerprint
from tests.gallery.brute_force import unit_vectors
from tests.support.pictures import draw, encode
from tests.support.tiny_model import write_tiny_model

_DIMENSION = 64
_SEARCHES = 200
_PICTURES = 40


def main(arguments: list[str]) -> None:
    """Measure, and print the measures."""
    parser = argparse.ArgumentParser(prog="benchmarks memory", description=__doc__)
    parser.add_argument("--model", type=Path, action="append", default=[], help="a real model; repeat for more")
    parser.add_argument("--quick", action="store_true", help="no gallery of 100,000")
    options = parser.parse_args(arguments)
    print(f"{describe_machine()}.", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        tiny = write_tiny_model(Path(folder) / "tiny.onnx", dimension=_DIMENSION)
        for count in (1_000,) if options.quick else (1_000, 100_000):
            gallery = _gallery(Path(folder) / str(count), tiny, count)
            _print(f"memory.prediction_error_{count}", tiny, "--gallery", f"g={gallery}")
    for model in options.model:
        for provider in ("cpu", "openvino"):
            _print(f"memory.prediction_error_{model.stem}_{provider}", model, "--provider", provider)


def _gallery(path: Path, model: Path, count: int) -> Path:
    LiveGallery.create(path, model_fingerprint=fingerprint(model.read_bytes()), dimension=_DIMENSION)
    with LiveGallery.open(path, compaction=None) as gallery:
        items = [
            NewItem(item_id=str(row), vector=vector, label=str(row % 50))
            for row, vector in enumerate(unit_vectors(count, _DIMENSION, seed=0))
        ]
        for start in range(0, count, 5_000):
            gallery.upsert(items[start : start + 5_000])
        gallery.compact()
    return path


def _print(name: str, model: Path, *options: str) -> None:
    with subprocess.Popen(
        [*COMMAND, "--model", str(model), *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            log = iter(server.stderr or ())
            found = re.search(r"([\d,]+) MiB at rest", next((line for line in log if "MiB at rest" in line), ""))
            address = server.stdout.readline().split()[-1] if server.stdout else ""
            if found is None or not address:
                sys.exit(f"Error: the server ended with status {server.wait(timeout=60)}")
            with ThreadPoolExecutor(1) as aside:
                aside.submit(lambda: [None for _ in log])  # a full pipe would stop it
                _ask(address, has_gallery="--gallery" in options)
                resident = resident_bytes(server.pid) / 2**20
                server.terminate()
                server.wait(timeout=60)
        finally:
            server.kill()
    predicted = int(found.group(1).replace(",", ""))
    print(f"{name}: {predicted} MiB predicted, {resident:.0f} MiB resident", flush=True)
    print_measure(name, [abs(predicted / resident - 1)], goal=0.1, better="lower")


def _ask(address: str, *, has_gallery: bool) -> None:
    if has_gallery:
        with Client(address) as client:
            for vector in unit_vectors(_SEARCHES, _DIMENSION, seed=1):
                client.search(vector)
        return

    def embed(_: int) -> None:
        with Client(address) as client:
            client.embed([encode(draw("red"))])

    with ThreadPoolExecutor(4) as callers:
        list(callers.map(embed, range(_PICTURES)))
