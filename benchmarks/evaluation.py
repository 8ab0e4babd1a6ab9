"""Our evaluation against pytorch-metric-learning's: seconds for the same figures, their difference, and our memory.

Made-up embeddings of the size of Stanford Online Products' test half: unit vectors about a centre for each class. Both
sides compute Recall@1, MAP@R and R-precision, each in a process of its own with all cores, in turn; neither computes
NMI, as k-means is another matter. One more process of ours takes Recall@1000 too, for its peak memory. Needs the extra
`bench`. `--quick` takes a tenth of the classes, once.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from typing import Any

import torch
from torch import Tensor

from benchmarks.clustered import clustered_embeddings
from benchmarks.evidence import describe_machine, print_measure
from training.metrics import retrieval_figures

PICTURES, CLASSES, DIMENSION = 60502, 11316, 512
SPREAD = 2.2  # of a class, as a length beside its centre's 1: about two of three pictures find one of their class first
SIDES = ("ours", "pml", "memory")
TIME_LIMIT_S = 3600


def main(arguments: list[str]) -> None:
    """Run the sides in turn, each in a process, and print the measures."""
    parser = argparse.ArgumentParser(prog="benchmarks evaluation", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="times each side is timed (default: 3)")
    parser.add_argument("--quick", action="store_true", help="a tenth of the classes, one round")
    parser.add_argument("--side", choices=SIDES, help="measure one side in this process and print it as JSON")
    options = parser.parse_args(arguments)
    shrink = 10 if options.quick else 1
    if options.side:
        print(json.dumps(_measure(options.side, PICTURES // shrink, CLASSES // shrink)))
        return
    rounds = 1 if options.quick else options.rounds
    print(
        f"Recall@1, MAP@R and R-precision of {PICTURES // shrink:,} x {DIMENSION} embeddings in {CLASSES // shrink:,} "
        f"classes, {rounds} rounds; {describe_machine()}.",
        flush=True,
    )
    ours, theirs = [], []
    for number in range(1, rounds + 1):
        ours.append(_in_a_process("ours", options.quick))
        theirs.append(_in_a_process("pml", options.quick))
        a, b = ours[-1], theirs[-1]
        print(
            f"round {number}: ours {a['seconds']:.1f} s ({a['cpu_seconds']:.1f} s of processor time), "
            f"pytorch-metric-learning {b['seconds']:.1f} s ({b['cpu_seconds']:.1f} s), "
            f"{b['seconds'] / a['seconds']:.2f} times ({b['cpu_seconds'] / a['cpu_seconds']:.2f})",
            flush=True,
        )
    figures, peer_figures = ours[-1]["figures"], theirs[-1]["figures"]
    print("figures, ours and theirs: " + ", ".join(f"{n} {v:.9f} {peer_figures[n]:.9f}" for n, v in figures.items()))
    memory = _in_a_process("memory", options.quick)
    print(f"with Recall@1000, {memory['figures']['recall_at_1000']:.4f}: {memory['seconds']:.1f} s", flush=True)
    seconds, peer_seconds = [[run["seconds"] for run in side] for side in (ours, theirs)]
    speedup = statistics.median(peer_seconds) / statistics.median(seconds)
    print_measure("evaluation.seconds", seconds, better="lower")
    print_measure("evaluation.pml_seconds", peer_seconds, better="lower")
    print_measure("evaluation.recall_at_1000_seconds", [memory["seconds"]], better="lower")
    print_measure("evaluation.pml_peak_gb", [run["peak_gb"] for run in theirs], better="lower")
    # In millionths, as a measure's line has four decimals.
    millionths = [1e6 * abs(value - peer_figures[name]) for name, value in figures.items()]
    print_measure("evaluation.largest_difference_in_millionths", [max(millionths)], goal=1, better="lower")
    print_measure("evaluation.peak_gb", [memory["peak_gb"]], goal=4, better="lower")
    print_measure("evaluation.speedup_over_pml", [speedup], goal=3, better="higher")


def _in_a_process(side: str, quick: bool) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks", "evaluation", "--side", side, *(["--quick"] if quick else [])]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=TIME_LIMIT_S)
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


def _measure(side: str, pictures: int, classes: int) -> dict[str, Any]:
    evaluate = {"ours": _ours, "pml": _theirs, "memory": _ours_with_more}[side]
    evaluate(*clustered_embeddings(200, 50, DIMENSION, spread=SPREAD))  # what is loaded on first use
    embeddings, labels = clustered_embeddings(pictures, classes, DIMENSION, spread=SPREAD)
    start, processor_start = time.perf_counter(), time.process_time()
    figures = evaluate(embeddings, labels)
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - processor_start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # Linux counts in KiB
    return {"seconds": seconds, "cpu_seconds": cpu_seconds, "peak_gb": peak / 1e9, "figures": figures}


def _ours(embeddings: Tensor, labels: Tensor) -> dict[str, float]:
    found = retrieval_figures(embeddings, labels, (1,))
    return {"recall_at_1": found.recall[1], "map_at_r": found.map_at_r, "r_precision": found.r_precision}


def _ours_with_more(embeddings: Tensor, labels: Tensor) -> dict[str, float]:
    found = retrieval_figures(embeddings, labels, (1, 10, 100, 1000))
    return {f"recall_at_{k}": value for k, value in found.recall.items()}


def _theirs(embeddings: Tensor, labels: Tensor) -> dict[str, float]:
    from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator

    names = {
        "recall_at_1": "precision_at_1",
        "map_at_r": "mean_average_precision_at_r",
        "r_precision": "r_precision",
    }
    calculator = AccuracyCalculator(include=tuple(names.values()), k="max_bin_count", device=torch.device("cpu"))
    found = calculator.get_accuracy(embeddings, labels)
    return {name: found[theirs] for name, theirs in names.items()}
