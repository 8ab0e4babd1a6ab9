"""What an item costs: bytes on disk and in memory, seconds to build, milliseconds a search, at growing sizes.

Galleries in a folder of 10,000, 100,000 and 1,000,000 clustered vectors x 64, with label and payload and without
thumbnails; from 20,000 on with an IVF index that is tuned to a recall@10 of 0.99 (IVF√N,SQfp16: quick to build; what
`smserve index tune` takes by default searches faster, and takes longer to build). Then the first of them in
milvus-lite, 5,000, 10,000 and so on, until --milvus-seconds are over. Each is opened in a process of its own, whose
memory is told before and after. Seconds are of processor time, so that other processes don't count; of searches, both.
The slopes between the last two sizes are what docs/scale.md counts with. `--quick` takes 2,000, 20,000 and 50,000.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.evidence import describe_machine, print_measure
from benchmarks.vector_search.data import DIMENSION, Data
from smserve.gallery import GalleryReader, LocalGallery, LocalGalleryWriter, NewItem
from smserve.gallery.milvus import MilvusAddress, MilvusReader, MilvusWriter
from smserve.gallery.tuning import tuned_index
from smserve.types import FieldMask

MODEL = "5" * 64
QUERIES, TOP_K, BATCH, THREADS = 200, 10, 2000, 2
OWN, MAPPED = "RssAnon", "RssFile"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a gallery of some size took.

    Attributes:
        items: N.
        disk: Bytes.
        own: Bytes of memory that opening it and searching it added, of the process's own.
        mapped: Bytes of files that are in memory then; the system takes them back.
        write_s: Seconds of processor time that its rows took.
        publish_s: Those that its index took, tuned and built.
        search_ms: Milliseconds of processor time of one query, on average; the embedded engine's included.
        clock_ms: By the clock; the median.
        index: How it is searched.
    """

    items: int
    disk: int
    own: int
    mapped: int
    write_s: float
    publish_s: float
    search_ms: float
    clock_ms: float
    index: str


def main(arguments: list[str]) -> None:
    """Measure each size, and print the table and the measures."""
    parser = argparse.ArgumentParser(prog="benchmarks scale", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2,000, 20,000 and 50,000 items")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000], help="of the folders")
    parser.add_argument("--milvus-seconds", type=float, default=60, help="for milvus-lite; 0 for none (default: 60)")
    options = parser.parse_args(arguments)
    sizes = [2_000, 20_000, 50_000] if options.quick else sorted(options.sizes)
    print(f"Galleries of up to {sizes[-1]:,} x {DIMENSION}; {describe_machine()}.", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        data = Data.drawn(sizes[-1], QUERIES)
        np.save(root / "queries.npy", data.queries)
        report("local", [local(root, data, size) for size in sizes])
        if options.milvus_seconds:
            report("milvus_lite", milvus(root, data, options.milvus_seconds))


def local(root: Path, data: Data, count: int) -> Cost:
    """Build a gallery in a folder, and open it."""
    place = root / str(count)
    started = time.process_time()
    with LocalGalleryWriter(place, model_fingerprint=MODEL, dimension=DIMENSION) as writer:
        for start in range(0, count, BATCH):
            writer.upsert(items(data, start, min(start + BATCH, count)))
        written = time.process_time()
        index = f"IVF{round(math.sqrt(count))},SQfp16"
        writer.publish(tuned_index(place, recall=0.99, indexes=[index], threads=THREADS))
    published = time.process_time()
    return opened(root, place, str(place), count, written - started, published - written)


def milvus(root: Path, data: Data, seconds: float) -> list[Cost]:
    """Fill collections of milvus-lite that double, until the time is up."""
    costs, count, began = [], 5_000, time.perf_counter()
    while time.perf_counter() - began < seconds and count <= len(data.vectors):
        started = time.process_time()
        address = MilvusAddress(name="items", file=root / f"{count}.db")
        with closing(MilvusWriter.open(address, model_fingerprint=MODEL, dimension=DIMENSION)) as writer:
            for start in range(0, count, BATCH):
                writer.upsert(items(data, start, min(start + BATCH, count)))
            written = time.process_time()
            writer.publish()
        place = root / f"{count}.db"
        published = time.process_time()
        try:
            costs.append(opened(root, place, str(address), count, written - started, published - written))
        except subprocess.CalledProcessError:
            print(
                f"  with {count:,} items in milvus-lite a search broke off, see above; the sizes before count",
                flush=True,
            )
            break
        count *= 2
    return costs


def items(data: Data, first: int, end: int) -> list[NewItem]:
    """Return some items."""
    return [
        NewItem(
            item_id=f"{number:09d}.jpg",
            vector=vector,
            label=f"class-{number % 1000}",
            payload={"price": number % 100, "title": f"item {number}"},
            source_uri=f"photos/{number:09d}.jpg",
        )
        for number, vector in enumerate(data.vectors[first:end], first)
    ]


def opened(root: Path, place: Path, address: str, count: int, write_s: float, publish_s: float) -> Cost:
    """Open a gallery in a process of its own, and search it."""
    command = [sys.executable, "-c", "import sys; from benchmarks.scale import ask; ask(*sys.argv[1:])"]
    answer = subprocess.run(
        [*command, address, str(root / "queries.npy")],
        env={**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"},  # as `smserve serve` has it
        stdout=subprocess.PIPE,
        text=True,
        timeout=300,
        check=True,
    )
    files = place.rglob("*") if place.is_dir() else [place]
    disk = sum(path.stat().st_size for path in files if path.is_file())
    return Cost(items=count, disk=disk, write_s=write_s, publish_s=publish_s, **json.loads(answer.stdout))


def ask(address: str, queries: str) -> None:
    """Open a gallery, search it, and print what that took; runs in a process of its own."""
    asked = np.load(queries)
    before = memory()
    reader: GalleryReader = (
        MilvusReader.open(MilvusAddress.parse(address)) if "://" in address else LocalGallery.open(Path(address))
    )
    processor_s = time.process_time if "://" in address else time.thread_time  # rows are verified in the background
    seconds, spent = list[float](), processor_s()
    for query in asked:
        started = time.perf_counter()
        reader.search(query[np.newaxis], TOP_K, FieldMask())
        seconds.append(time.perf_counter() - started)
    spent, after = processor_s() - spent, memory()
    found = {
        "own": after[OWN] - before[OWN],
        "mapped": after[MAPPED] - before[MAPPED],
        "search_ms": spent / len(asked) * 1e3,
        "clock_ms": float(np.median(seconds)) * 1e3,
        "index": reader.info().index,
    }
    reader.close()
    print(json.dumps(found))


def memory() -> dict[str, int]:
    """Return bytes of this process that are in memory, by kind."""
    lines = (line.split() for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines())
    return {words[0].rstrip(":"): int(words[1]) * 1024 for words in lines if words[0].rstrip(":") in {OWN, MAPPED}}


def report(kind: str, costs: list[Cost]) -> None:
    """Print a table, and what an item more costs by the last two sizes."""
    names = ("items", "disk/item", "own MB", "mapped MB", "write s", "index s", "search ms", "by clock")
    print("".join(f"{name:>12}" for name in names) + "  index")
    for each in costs:
        figures = (
            *(f"{each.items:,}", f"{each.disk / each.items:,.0f}", f"{each.own / 1e6:,.1f}"),
            *(f"{each.mapped / 1e6:,.1f}", f"{each.write_s:,.1f}", f"{each.publish_s:,.1f}"),
            *(f"{each.search_ms:.2f}", f"{each.clock_ms:.2f}"),
        )
        print("".join(f"{figure:>12}" for figure in figures) + f"  {each.index}", flush=True)
    if len(costs) < 2:
        return
    less, more = costs[-2:]
    step = more.items - less.items
    print_measure(f"scale.{kind}.disk_bytes_per_item", [(more.disk - less.disk) / step], better="lower")
    print_measure(f"scale.{kind}.own_bytes_per_item", [(more.own - less.own) / step], better="lower")
    print_measure(f"scale.{kind}.mapped_bytes_per_item", [(more.mapped - less.mapped) / step], better="lower")
    print_measure(f"scale.{kind}.write_s_per_million", [(more.write_s - less.write_s) / step * 1e6], better="lower")
    print_measure(f"scale.{kind}.index_s_per_million", [(more.publish_s - less.publish_s) / step * 1e6], better="lower")
    print_measure(f"scale.{kind}.search_ms_{more.items}", [more.search_ms], better="lower")
