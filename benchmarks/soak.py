"""A server at half of its capacity for ten minutes: does it grow? Memory, file descriptors and threads each second.

A gallery of 60,000 vectors of 64 dimensions with half a kilobyte of payload each, and a model file. Calls are searches
with a picture, with a vector and with a filter, embeddings, damaged pictures, upserts and deletes of 100 items that
replace a third of the gallery over and over, so that compactions run in the background; callers come and go. Capacity
is what 64 callers get who wait for their answers, as many as the server lets wait, so that all its threads start; then
a process of its own sends half of that, at random moments. What happens in the first two minutes does not count. Of
memory the process's own counts, the least of each 20 seconds: compactions take some for a moment, and of mapped files
more pages are touched the longer ago the last compaction was, up to the files' size. A slope comes with its standard
error, some 10 MiB an hour after ten minutes: growth from the first to the last fifth says more. Pictures are those of
SMSERVE_PHOTOS, or drawn. `--quick` takes a minute.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import ImageFilter

from benchmarks.evidence import describe_machine, print_measure
from benchmarks.server_process import ServerProcess
from benchmarks.soaking.calls import DIMENSION
from benchmarks.soaking.load import load_command
from benchmarks.soaking.resources import Growth, Resources
from smserve.client import Client
from smserve.gallery import LiveGallery, NewItem
from smserve.model_file import fingerprint
from tests.gallery.brute_force import unit_vectors
from tests.support.pictures import COLORS, draw, encode
from tests.support.tiny_model import write_tiny_model

_ITEMS: Final = 60_000
_PAYLOAD: Final = {"title": "x" * 500}
_CALLERS: Final = 64
_PICTURES: Final = 24
_LEAST_OF: Final = 20  # seconds; at half load a compaction runs about as often
_UNITS: Final = {"memory": "MiB", "own memory": "MiB", "file descriptors": "", "threads": ""}


def main(arguments: list[str]) -> None:
    """Load a server, and print the measures."""
    parser = argparse.ArgumentParser(prog="benchmarks soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="that count (default: 10)")
    parser.add_argument("--warm-up", type=float, default=2, help="minutes before (default: 2)")
    parser.add_argument("--model", type=Path, help="a model file of 64 dimensions (default: a tiny one)")
    parser.add_argument("--quick", action="store_true", help="a minute, and 20 seconds before")
    options = parser.parse_args(arguments)
    minutes, warm_up = (1.0, 1 / 3) if options.quick else (options.minutes, options.warm_up)
    print(f"Half of capacity for {minutes:g} minutes after {60 * warm_up:.0f} s; {describe_machine()}.", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = options.model or write_tiny_model(folder / "model.onnx", dimension=DIMENSION)
        gallery, pictures = _gallery(folder / "gallery", model), _pictures(folder / "pictures")
        with (
            ServerProcess(model, "--gallery", f"g={gallery}") as server,
            Resources(server.pid) as resources,
        ):
            _fill_the_cache(server.address)
            found = _load(server.address, pictures, seconds=10, callers=_CALLERS)
            capacity = sum(found["answered"].values()) / found["seconds"]
            print(f"capacity {capacity:.0f} calls a second", flush=True)
            began = time.monotonic()
            found = _load(server.address, pictures, seconds=60 * (warm_up + minutes), rate=capacity / 2)
            with Client(server.address) as client:
                generations = client.galleries()[0].generation
            since = began + 60 * warm_up
            held = {
                name: resources.growth(name, since_s=since, least_of=_LEAST_OF if unit else 1)
                for name, unit in _UNITS.items()
            }
            code = server.stop()
    _print(found, held, generations, code)


def _print(found: dict[str, Any], held: dict[str, Growth], generations: int, code: int) -> None:
    calls = ", ".join(f"{count:,} {kind}" for kind, count in found["answered"].items())
    print(f"{calls}; {generations} generations; the server ended with {code}.")
    for wrong in found["wrong"]:
        print(f"wrong: {wrong}")
    for name, growth in held.items():
        print(
            f"{name}, {_UNITS[name] or 'number'}: {growth.first:.1f} in the first fifth, {growth.last:.1f} in the "
            f"last, at most {growth.most:.1f}; {growth.slope:+.1f} an hour, standard error {growth.error:.1f}"
        )
    own, resident = held["own memory"], held["memory"]
    print_measure("soak.memory_mib_per_hour", [own.slope], goal=1, better="lower")
    print_measure("soak.memory_growth_percent", [100 * (own.last / own.first - 1)], goal=1, better="lower")
    print_measure("soak.resident_growth_percent", [100 * (resident.last / resident.first - 1)], better="lower")
    for name in ("file descriptors", "threads"):
        more = round(held[name].last) - round(held[name].first)
        print_measure(f"soak.{name.replace(' ', '_')}_growth", [more], goal=0, better="lower")
    print_measure("soak.failed_requests", [found["wrong_count"] + (code != 0)], goal=0, better="lower")


def _gallery(path: Path, model: Path) -> Path:
    LiveGallery.create(path, model_fingerprint=fingerprint(model.read_bytes()), dimension=DIMENSION)
    with LiveGallery.open(path, compaction=None) as gallery:
        items = [
            NewItem(item_id=str(number), vector=vector, label=f"class-{number % 50}", payload=_PAYLOAD)
            for number, vector in enumerate(unit_vectors(_ITEMS, DIMENSION, seed=0))
        ]
        for start in range(0, _ITEMS, 5_000):
            gallery.upsert(items[start : start + 5_000])
        gallery.compact()
    return path


def _pictures(folder: Path) -> Path:
    """Fill a folder with pictures to ask with: photos, or drawn ones that are as grainy."""
    folder.mkdir()
    if "SMSERVE_PHOTOS" in os.environ:
        photos = sorted(Path(os.environ["SMSERVE_PHOTOS"]).rglob("*.jpg"))
        chosen = random.Random(0).sample(photos, min(_PICTURES, len(photos)))  # noqa: S311 - a sample, no secret
        data = [path.read_bytes() for path in chosen]
    else:
        sizes = ((320, 240), (640, 480), (1600, 1200))
        data = [
            encode(
                draw(list(COLORS)[number % len(COLORS)], size=sizes[number % len(sizes)]).filter(
                    ImageFilter.GaussianBlur(0.7)
                ),
                "JPEG",
                quality=85,
            )
            for number in range(_PICTURES)
        ]
    for number, each in enumerate(data):
        (folder / f"{number:02}.jpg").write_bytes(each)
    return folder


def _fill_the_cache(address: str) -> None:
    """Find most items once: the rows found lately are kept, up to 64 MiB, and that is no leak."""
    with Client(address, timeout_s=60) as client:
        for vector in np.random.default_rng(1).standard_normal((300, DIMENSION)).astype(np.float32):
            client.search(vector, top_k=1000)


def _load(address: str, pictures: Path, *, seconds: float, **how: float) -> dict[str, Any]:
    command = load_command(address, pictures, seconds=seconds, **how)
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"Error: the load ended with status {done.returncode}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found
