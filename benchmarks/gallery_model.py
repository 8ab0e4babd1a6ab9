"""Random operations on a live gallery against a numpy oracle: how many answers differ.

Upserts, deletes by id and by condition, repeated requests, searches with and without a condition, pages, counts,
compactions, going back, reopening, and a reader that follows from outside. A difference ends its run, and another one
begins with the next seed. `--quick` does 5,000 operations, as the test suite does.
"""

import argparse
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks.evidence import describe_machine, print_measure
from tests.gallery.random_operations import RandomOperations

_RUN = 10_000  # operations on one gallery


def main(arguments: list[str]) -> None:
    """Do the operations and print the measure."""
    parser = argparse.ArgumentParser(prog="benchmarks gallery_model", description=__doc__)
    parser.add_argument("--operations", type=int, default=200_000, help="in all (default: 200,000)")
    parser.add_argument("--seed", type=int, default=0, help="of the first run (default: 0)")
    parser.add_argument("--folder", type=Path, help="where galleries are made (default: the system's)")
    parser.add_argument("--quick", action="store_true", help="5,000 operations")
    options = parser.parse_args(arguments)
    left = 5_000 if options.quick else options.operations
    print(f"{left:,} random operations, {_RUN:,} a gallery, seeds from {options.seed}; {describe_machine()}.")
    divergences, seed, started, done = 0, options.seed, time.monotonic(), Counter[str]()
    while left > 0:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            count, difference = _run(Path(folder) / "gallery", seed, min(left, _RUN), done)
        if difference:
            divergences += 1
            print(f"seed {seed}, operation {count}: {difference}")
        left -= count
        seed += 1
    kinds = ", ".join(f"{name} {count:,}" for name, count in sorted(done.items()))
    print(f"{sum(done.values()):,} operations in {time.monotonic() - started:.0f} s: {kinds}.")
    print_measure("gallery_model.divergences", [divergences], goal=0, better="lower")


def _run(path: Path, seed: int, operations: int, done: Counter[str]) -> tuple[int, str]:
    """Return how many operations were done, and what differed; empty where nothing did."""
    model = RandomOperations(path, seed)
    try:
        for number in range(operations):
            try:
                done[model.step()] += 1
            except Exception as error:  # noqa: BLE001 - any error is a difference: the oracle had an answer
                return number + 1, f"{type(error).__name__}: {error}"
        return operations, ""
    finally:
        model.close()
