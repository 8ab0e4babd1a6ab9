"""The paper's rows on held-out emoji at an equal number of embedded pictures: Recall@1, and what the same costs.

Every run embeds as many pictures, those of mining's own passes counted in. `paper.adaptive_cost_ratio` is the number of
pictures with which the adaptive recipe, annealed over that number, reaches the Recall@1 that triplet + global has at
the end, as a share of triplet + global's; between the shares tried it is interpolated. Runs are kept in `--runs` and
reused when they are finished. They go side by side, one for each core: on a shared machine threads that wait for each
other cost more. `--quick` embeds few pictures with one seed, so it says only that the path works.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.evidence import describe_machine, print_measure

ROWS = ("semi-hard", "triplet-global", "graph-global", "adaptive")
SHARES = (1 / 3, 1 / 2, 2 / 3)
PICTURES = 30_000


def train(runs: Path, row: str, seed: int, pictures: int, data: Path) -> float:
    """Train a row of the table with a budget of pictures; return Recall@1 on the test classes."""
    folder = runs / f"{row}-{seed}-{pictures}"
    command = [sys.executable, "-m", "training", "train", "--dataset", "emoji", "--recipe", f"emoji-{row}"]
    command += ["--seed", str(seed), "--max-pictures", str(pictures), "--name", folder.name, "--resume"]
    print(f"{'reusing' if (folder / 'evaluation.json').exists() else 'training'} {folder}", flush=True)
    command += ["--run-dir", str(runs), "--data-dir", str(data)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"})
    figures = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
    return float(figures["recall_at_1"])


def share_that_reaches(wanted: float, shares: Sequence[float], figures: Sequence[float]) -> float | None:
    """Return the smallest share with the wanted figure, interpolated between neighbours; None where none reaches it."""
    for place, (share, figure) in enumerate(zip(shares, figures, strict=True)):
        if figure >= wanted:
            if place == 0:
                return share
            before, low = shares[place - 1], figures[place - 1]
            return before + (share - before) * (wanted - low) / (figure - low)
    return None


def main(arguments: list[str]) -> None:
    """Train every row with every seed, and print the measures."""
    parser = argparse.ArgumentParser(prog="benchmarks paper", description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="a run each (default: 0 1 2)")
    parser.add_argument("--runs", type=Path, default=Path("runs/benchmark-paper"), help="where runs are kept")
    parser.add_argument("--data", type=Path, default=Path("data"), help="where the emoji are")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="runs at a time (default: one a core)")
    parser.add_argument("--quick", action="store_true", help="few pictures, one seed, one share")
    options = parser.parse_args(arguments)
    pictures, seeds, shares = (3_000, [0], (0.5,)) if options.quick else (PICTURES, options.seeds, SHARES)
    print(f"{pictures:,} embedded pictures a run, seeds {seeds}; {describe_machine()}.", flush=True)
    wanted = [(row, seed, pictures) for row in ROWS for seed in seeds]
    wanted += [("adaptive", seed, round(share * pictures)) for share in shares for seed in seeds]
    with ThreadPoolExecutor(options.jobs) as jobs:
        figures = list(jobs.map(lambda run: train(options.runs, run[0], run[1], run[2], options.data), wanted))
    recalls = dict(zip(wanted, figures, strict=True))
    found = {row: [recalls[row, seed, pictures] for seed in seeds] for row in ROWS}
    curve = [[recalls["adaptive", seed, round(share * pictures)] for seed in seeds] for share in shares]
    for share, values in zip((*shares, 1.0), (*curve, found["adaptive"]), strict=True):
        print(f"adaptive at {share:.0%} of the pictures: Recall@1 {statistics.fmean(values):.3f}")
    for row, values in found.items():
        print_measure(f"paper.{row.replace('-', '_')}.recall_at_1", values, better="higher")
    means = [statistics.fmean(values) for values in (*curve, found["adaptive"])]
    ratio = share_that_reaches(statistics.fmean(found["triplet-global"]), (*shares, 1.0), means)
    if ratio is None:
        print("The adaptive recipe does not reach triplet + global's Recall@1 with as many pictures: no ratio.")
    else:
        print_measure("paper.adaptive_cost_ratio", [ratio], goal=1 / 3, better="lower")
