"""What a gallery acknowledged, after kill -9, crashes at named points, a full disk; and what it synced before it did.

Writers are killed from outside at random moments, and at every visit of every failure point (the list is in
smserve/gallery/points.py); each gallery is then opened and compared with a dictionary. Two kinds of full disk: a limit
on the size of files, and a small disk in memory where one can be mounted. The order of syncing is read from strace;
where there is none that measure is left out, and a line says so. `--quick` takes 5 seeds and each point once.
"""

import argparse
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.crashing.disks import fill_disks
from benchmarks.crashing.tracing import trace_writer
from benchmarks.crashing.writes import lost
from benchmarks.evidence import describe_machine, print_measure
from smserve.gallery import LiveGallery
from smserve.gallery.points import FAILURE_POINTS
from tests.gallery.crashes import Life, die_in_between, live, outcome


def main(arguments: list[str]) -> None:
    """Run all four and print their measures."""
    parser = argparse.ArgumentParser(prog="benchmarks durability", description=__doc__)
    parser.add_argument("--seeds", type=int, default=50, help="writers to kill (default: 50)")
    parser.add_argument("--writes", type=int, default=300, help="acknowledgements under strace (default: 300)")
    parser.add_argument("--quick", action="store_true", help="5 seeds, each point once, 20 acknowledgements")
    options = parser.parse_args(arguments)
    seeds, writes = (5, 20) if options.quick else (options.seeds, options.writes)
    print(f"Durability of a live gallery; {describe_machine()}.")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder).resolve()
        _kill_writers(place, seeds)
        _kill_at_points(place, every_visit=not options.quick)
        wrong, kinds = fill_disks(place, max(1, seeds // 5))
        print(f"Filled {len(wrong)} times: {' and '.join(kinds)}; writes refused, searches answered, then room made.")
        print_measure("durability.disk_full_lost", wrong, goal=0, better="lower")
        order = trace_writer(place / "traced", writes)
    if order is None:
        print("durability.acknowledged_before_fsync is not measured: it takes strace.")
        return
    print(f"{order.acknowledged} acknowledgements under strace, each with its commit and COMMITTED.")
    print_measure("durability.acknowledged_before_fsync", [len(order.early)], goal=0, better="lower")


def _kill_writers(place: Path, seeds: int) -> None:
    """Kill writers, with compactions beside the writes, at random moments; each once more after it went on."""
    wrong, counts, seconds = [], [], []
    for seed in range(seeds):
        random, path = np.random.default_rng(seed), place / f"killed-{seed}"
        acknowledged = 0
        for _ in range(2):
            acknowledged = max(acknowledged, _kill_one(path, seed, float(random.uniform(0.0, 0.7))))
            wrong.append(lost(path, seed, acknowledged))
            started = time.monotonic()
            LiveGallery.open(path, compaction=None).close()
            seconds.append(time.monotonic() - started)
        counts.append(acknowledged)
    print(
        f"{seeds} writers killed twice after {min(counts)} to {max(counts)} acknowledged writes (median "
        f"{statistics.median(counts):.0f}); open for writing again in at most {max(seconds):.3f} s."
    )
    print_measure("durability.acknowledged_lost", wrong, goal=0, better="lower")
    print_measure("durability.recovery_s", seconds, better="lower")


def _kill_one(path: Path, seed: int, delay_s: float) -> int:
    """Kill a writer so long after its first acknowledgement; returns how many it gave."""
    command = [sys.executable, "-m", "benchmarks.crashing.writes", str(path), str(seed), "1000000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None, "a pipe was asked for"  # noqa: S101 - for the type checker
        last = process.stdout.readline()
        time.sleep(delay_s)
        process.send_signal(signal.SIGKILL)
        for line in process.stdout:
            last = line if line.endswith("\n") else last  # a line cut off is no acknowledgement
        process.wait(timeout=60)
    return int(last)


def _kill_at_points(place: Path, *, every_visit: bool) -> None:
    (whole,) = live([Life(path=place / "whole")])
    lives = [
        Life(path=place / f"{point}-{visit}", point=point, visit=visit)
        for point, visits in whole.visits.items()
        for visit in (range(1, visits + 1) if every_visit else [visits])
    ]
    bad = 0
    for life, end in zip(lives, live(lives), strict=True):
        wrong = outcome(life.path, end.acknowledged) or ("" if end.killed else "it was not killed")
        bad += bool(wrong)
        if wrong:
            print(f"{life.point}, visit {life.visit}: {wrong}")
    others = [point for point in FAILURE_POINTS if point not in whole.visits]
    for point in others:  # of a writer that finds a killed one's writes, or an older gallery
        wrong = die_in_between(place / point, point)
        bad += bool(wrong)
        if wrong:
            print(f"{point}: {wrong}")
    print(
        f"Killed at {len(lives)} visits of {len(whole.visits)} points of writing, compacting and going back, and at "
        f"{len(others)} of recovering and upgrading: {len(FAILURE_POINTS)} points in all."
    )
    print_measure("durability.failure_points_bad", [bad], goal=0, better="lower")
