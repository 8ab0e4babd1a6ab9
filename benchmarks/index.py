"""Queries a second of the gallery's search path over those of hnswlib and usearch, at equal measured recall@10.

Clustered vectors x 64. Every side builds its indexes in a process of its own, takes the fastest of them at the smallest
effort that reaches the recall on the same queries against the same truth, and is then timed in turn with the others:
one query a call, and 64, on one thread, which is what a server's request gets. Rates are of processor time, so that
other processes on the machine don't count; a ratio is of medians over turns. Needs the extra `peers`. `--quick` takes
20,000 vectors; 1,000,000 take an hour of processor time, most of it for building graphs.
"""

import argparse
import importlib.util
import os
import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks.evidence import describe_machine, print_measure
from benchmarks.side import Side
from benchmarks.vector_search.data import DIMENSION, Data

OURS, PEERS = "ours", ("hnswlib", "usearch")
CORES = len(os.sched_getaffinity(0))
BATCHES = (1, 64)  # queries a call
THREADS = 1
TURNS = 3  # whose median counts as one measurement
SECONDS = 0.3  # of a turn


def main(arguments: list[str]) -> None:
    """Measure each size."""
    parser = argparse.ArgumentParser(prog="benchmarks index", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000], help="vectors (default: 100000)")
    parser.add_argument("--recalls", type=float, nargs="+", default=[0.95, 0.99], help="recall@10 to reach")
    parser.add_argument("--repetitions", type=int, default=5, help="measurements a figure (default: 5)")
    parser.add_argument(
        "--index", action="append", default=[], metavar="STRING", help="our index, instead of tuning; repeatable"
    )
    parser.add_argument("--quick", action="store_true", help="20,000 vectors, 3 measurements")
    options = parser.parse_args(arguments)
    missing = [name for name in PEERS if importlib.util.find_spec(name) is None]
    if missing:
        parser.error(f"{' and '.join(missing)} not installed; run pip install 'smserve[peers]' (hnswlib is compiled)")
    sizes, repetitions = ([20_000], 3) if options.quick else (options.sizes, options.repetitions)
    print(f"Search beside hnswlib and usearch, {sizes} x {DIMENSION}; {describe_machine()}.", flush=True)
    for size in sizes:
        compare(size, options.recalls, repetitions, options.index)


def compare(size: int, recalls: list[float], repetitions: int, indexes: list[str]) -> None:
    """Let the sides search vectors of one number."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        data = Path(folder) / "data.npz"
        Data.drawn(size, 2000).save(data)
        rest = [str(data), *map(str, recalls)]
        sides = {}
        for name in (OURS, *PEERS):
            command = [sys.executable, "-m", "benchmarks.vector_search.peer", name, *rest]
            if name == OURS:
                told = [f"--index={index}" for index in indexes]
                command = [sys.executable, "-m", "benchmarks.vector_search.ours", *rest, *told]
            sides[name] = stack.enter_context(Side(name, command, CORES))
            built = sides[name].built
            print(f"{name}: {', '.join(built['indexes'])}, built in {built['build_s']:.0f} s", flush=True)
        for recall in recalls:
            for batch in BATCHES:
                for name, side in sides.items():
                    found = side.ask(do="tune", recall=recall, batch=batch, threads=THREADS)
                    print(
                        f"{size} {recall:g} batch {batch}, {name}: {found['index']} effort {found['effort']}, "
                        f"recall {found['recall']:.4f}",
                        flush=True,
                    )
                in_turn(f"index.{size}.{recall:g}.{batch}", sides, recall, batch, repetitions)


def in_turn(measure: str, sides: dict[str, Side], recall: float, batch: int, repetitions: int) -> None:
    """Time the sides in turn, and print ours and the ratios."""
    ratios: dict[str, list[float]] = {name: [] for name in PEERS}
    ours = []
    for _ in range(repetitions):
        turns: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(TURNS):
            for name, side in sides.items():
                asked = {"recall": recall, "batch": batch, "threads": THREADS, "seconds": SECONDS}
                turns[name].append(side.ask(do="run", **asked)["qps"])
        medians = {name: statistics.median(rates) for name, rates in turns.items()}
        ours.append(medians[OURS])
        for name in PEERS:
            ratios[name].append(medians[OURS] / medians[name])
    print_measure(f"{measure}.qps", ours, better="higher")
    for name in PEERS:
        print_measure(f"{measure}.qps_over_{name}", ratios[name], goal=1.0, better="higher")
