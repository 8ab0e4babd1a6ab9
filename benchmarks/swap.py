"""A hundred hot swaps of generations under eight clients: failures, latency, memory, and every answer checked.

A server process on this machine has a gallery that eight clients search without a pause. In turns, five times, nobody
changes it, and then a write and a swap to the next generation follow each other at once. Each answer is compared with
the exact answers of the generation that it names (there are two: before and after the write that came while it was in
use). Clients and server share the machine. `--in-process` does the same without a server; then each answer names the
very write that it holds. `--quick` takes 3,000 items and 10 swaps.
"""

import argparse
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.evidence import describe_machine, print_measure
from benchmarks.server_process import resident_bytes
from benchmarks.swapping.clients import Clients
from benchmarks.swapping.history import History
from benchmarks.swapping.served import InProcess, Served, ServerProcess
from smserve.gallery import LiveGallery, NewItem
from smserve.model_file import fingerprint
from tests.gallery.brute_force import unit_vectors
from tests.support.tiny_model import write_tiny_model

_DIMENSION, _QUERIES, _CLIENTS, _WRITTEN, _BATCH, _TURNS, _WARM = 64, 64, 8, 50, 1000, 5, 5000


def main(arguments: list[str]) -> None:
    """Swap, and print the measures."""
    parser = argparse.ArgumentParser(prog="benchmarks swap", description=__doc__)
    parser.add_argument("--items", type=int, default=20_000, help="in the gallery (default: 20,000)")
    parser.add_argument("--swaps", type=int, default=100, help="of generations (default: 100)")
    parser.add_argument("--in-process", action="store_true", help="without a server")
    parser.add_argument("--quick", action="store_true", help="3,000 items, 10 swaps")
    options = parser.parse_args(arguments)
    items, swaps = (3_000, 10) if options.quick else (options.items, options.swaps)
    print(f"{swaps} swaps of {items:,} x {_DIMENSION}, {_CLIENTS} clients; {describe_machine()}.")
    with tempfile.TemporaryDirectory() as folder:
        model, gallery = write_tiny_model(Path(folder) / "model.onnx", dimension=_DIMENSION), Path(folder) / "g"
        history = History(unit_vectors(_QUERIES, _DIMENSION, seed=1))
        _fill(gallery, fingerprint(model.read_bytes()), items, history)
        if options.in_process:
            with InProcess(gallery) as served:
                _measure("swap.in_process", served, items, swaps, history)
        else:
            with ServerProcess(model, gallery) as served:
                _measure("swap", served, items, swaps, history)


def _fill(path: Path, model: str, count: int, history: History) -> None:
    """Write the gallery, and publish it."""
    LiveGallery.create(path, model_fingerprint=model, dimension=_DIMENSION)
    with LiveGallery.open(path, compaction=None) as gallery:
        for start in range(0, count, _BATCH):
            items = _items(np.arange(start, min(start + _BATCH, count)), seed=start)
            history.wrote(gallery.upsert(items).sequence, items)
        info = gallery.compact()
        history.swapped(info.number, info.last_sequence)


def _items(rows: np.ndarray, seed: int) -> list[NewItem]:
    vectors = unit_vectors(len(rows), _DIMENSION, seed)
    return [NewItem(item_id=str(row), vector=vector) for row, vector in zip(rows, vectors, strict=True)]


def _measure(prefix: str, served: Served, count: int, swaps: int, history: History) -> None:
    random, memory = np.random.default_rng(0), list[float]()
    clients = Clients(served.asks(history.queries, _CLIENTS), _QUERIES)

    def resident() -> float:
        noted = sum(each.size_bytes() for each in clients.answers) if prefix != "swap" else 0
        return resident_bytes(served.pid) - noted

    def work(first: int) -> None:
        for number in range(first, first + swaps // _TURNS):
            items = _items(random.choice(count, _WRITTEN, replace=False), seed=count + number)
            history.wrote(served.write(items), items)
            history.swapped(*served.swap())

    def rest() -> np.ndarray:
        """Search for some seconds, and note the median of the memory: pages of mapped files come and go."""
        samples = list[float]()

        def watch() -> None:
            for _ in range(20):
                time.sleep(max(1.0, swaps / 25) / 20)
                samples.append(resident())

        seconds = clients.while_running(watch)
        memory.append(float(np.median(samples)))
        return seconds

    def warm_up() -> None:
        """Let every connection to SQLite fill its cache of pages, 2 MB each: that is no growth by swapping."""
        while sum(each.count for each in clients.answers) < _WARM:
            time.sleep(0.1)

    clients.while_running(warm_up)
    quiet, during, seconds = [], [], 0.0
    for turn in range(_TURNS):
        quiet.append(rest())
        started = time.monotonic()
        during.append(clients.while_running(partial(work, turn * swaps // _TURNS)))
        seconds += time.monotonic() - started
    rest()
    if not all(map(len, [*quiet, *during])):
        sys.exit(f"Error: {prefix} could not be measured: {clients.failures[:1]}")
    wrong = sum(history.wrong(answers) for answers in clients.answers)
    p99 = [1e3 * float(np.quantile(np.concatenate(parts), 0.99)) for parts in (quiet, during)]
    ratios = [float(np.quantile(b, 0.99) / np.quantile(a, 0.99)) for a, b in zip(quiet, during, strict=True)]
    print(
        f"{sum(map(len, quiet)):,} searches without swaps (p99 {p99[0]:.1f} ms), {sum(map(len, during)):,} during "
        f"{swaps} swaps in {seconds:.1f} s (p99 {p99[1]:.1f} ms, {p99[1] / p99[0]:.2f} times that; "
        f"by turns {', '.join(f'{ratio:.2f}' for ratio in ratios)}); {sum(each.count for each in clients.answers):,} "
        f"answers checked; resident before and after each turn, medians: "
        f"{', '.join(f'{each / 1e6:.0f} MB' for each in memory)}."
    )
    for message in clients.failures[:3]:
        print(f"failed: {message}")
    print_measure(f"{prefix}.failed_requests", [len(clients.failures)], goal=0, better="lower")
    print_measure(f"{prefix}.p99_ratio", [p99[1] / p99[0]], goal=2, better="lower")
    print_measure(f"{prefix}.memory_growth", [memory[-1] / memory[0] - 1], goal=0.05, better="lower")
    print_measure(f"{prefix}.wrong_generation", [wrong], goal=0, better="lower")
