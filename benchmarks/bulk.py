"""A build on Ray, one of whose workers is killed on the way, beside a build in one process: how much is the same.

Ray runs on this machine, with two workers. An item is the same when id, label and payload are equal and no number of
its vector differs by more than 1e-6. The speed-up is of pictures a second: of the whole command, in which Ray is
started and ended, and steady, from the first picture on. Photos of SMSERVE_PHOTOS, drawn pictures without; GoogLeNet at
224 pixels. `--quick` takes the demo's model and fewer pictures. Needs the extra `ray`.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.answering import material
from benchmarks.evidence import describe_machine, print_measure
from smserve.gallery import LocalGallery
from smserve.indexing import build_gallery, items_from_csv
from smserve.types import FieldMask, Item

_ROOT = Path(__file__).parents[1]
_WORKERS = 2
_LIMIT_S = 1800
_EVERYTHING = FieldMask(payload=True, vector=True)


def main(arguments: list[str]) -> None:
    """Build both ways in turn, and print the measures."""
    parser = argparse.ArgumentParser(prog="benchmarks bulk", description=__doc__)
    parser.add_argument("--pictures", type=int, default=1000, help="to embed (default: 1,000)")
    parser.add_argument("--repetitions", type=int, default=3, help="of both sides (default: 3)")
    parser.add_argument("--quick", action="store_true", help="500 pictures, once")
    options = parser.parse_args(arguments)
    pictures, repetitions = (500, 1) if options.quick else (options.pictures, options.repetitions)
    identical, whole, steady = [], [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = (material.demo_model if options.quick else material.googlenet)(folder / "model.onnx")
        photos = material.photos(folder / "photos", pictures)
        catalogue = _catalogue(folder / "catalogue.csv", photos, pictures)
        print(
            f"{pictures:,} items of {len(photos):,} pictures, {repetitions} times each way; {describe_machine()}.",
            flush=True,
        )
        for number in range(repetitions):
            one, other = folder / f"one-{number}", folder / f"ray-{number}"
            here = _here(model, catalogue, one)
            there = _on_ray(model, catalogue, other)
            identical.append(_share_identical(one, other))
            whole.append(here["seconds"] / there["seconds"])
            steady.append(here["steady_s"] / there["steady_s"])
            print(
                f"  one process: {here['seconds']:.1f} s; on Ray: {there['seconds']:.1f} s, of which "
                f"{there['steady_s']:.1f} s from the first picture on; worker {there['killed']} was killed",
                flush=True,
            )
    print_measure("bulk.identical", identical, goal=1.0, better="higher")
    print_measure("bulk.speedup", whole, better="higher")
    print_measure("bulk.steady_speedup", steady, better="higher")


def _catalogue(file: Path, photos: Sequence[Path], count: int) -> Path:
    """Write a CSV of `count` items with label and payload; the photos come again where they are fewer."""
    with file.open("w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(["path", "id", "label", "number"])
        for number in range(count):
            photo = photos[number % len(photos)].absolute()
            writer.writerow([photo, f"{number:06d}", photo.parent.name, number])
    return file


def _here(model: Path, catalogue: Path, gallery: Path) -> dict[str, float]:
    first = last = 0.0

    def progress(done: int, total: int) -> None:
        nonlocal first, last
        if done == 0:
            first = time.monotonic()
        if done == total - 1:
            last = time.monotonic()

    sources = items_from_csv(catalogue)
    report = build_gallery(model=model, sources=sources, gallery=gallery, workers=_WORKERS, progress=progress)
    return {"seconds": report.seconds, "steady_s": last - first}


def _on_ray(model: Path, catalogue: Path, gallery: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.support.dying_worker", *map(str, (model, catalogue, gallery))]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    run = subprocess.run(
        command, cwd=_ROOT, env=environment, stdout=subprocess.PIPE, timeout=_LIMIT_S, check=False, text=True
    )
    if run.returncode:
        sys.exit(f"Error: the build on Ray ended with status {run.returncode}; see above")
    told: dict[str, Any] = json.loads(run.stdout)
    if not told["killed"]:
        sys.exit("Error: no worker was seen at work, so none was killed; take more --pictures")
    return told


def _share_identical(one: Path, other: Path) -> float:
    left, right = _items(one), _items(other)
    same = sum(_is_same(item, right.get(item_id)) for item_id, item in left.items())
    return same / len(left.keys() | right.keys())


def _is_same(one: Item, other: Item | None) -> bool:
    if other is None or one.vector is None or other.vector is None:
        return False
    is_close = bool(np.abs(one.vector - other.vector).max() <= 1e-6)
    return is_close and (one.label, one.payload) == (other.label, other.payload)


def _items(path: Path) -> dict[str, Item]:
    gallery = LocalGallery.open(path)
    items: dict[str, Item] = {}
    token = ""
    while True:
        page = gallery.page(500, token, _EVERYTHING)
        items |= {item.item_id: item for item in page.items}
        token = page.next_token
        if not token:
            break
    gallery.close()
    return items
