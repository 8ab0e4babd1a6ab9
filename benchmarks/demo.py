"""The demo from training to contact sheet: Recall@1 before and after, through the served path, and its seconds.

Each seed runs in a run folder of its own, made and removed here; the pictures in data/ are reused. `--quick` trains for
one epoch, so its Recall@1 says only that the path works.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.evidence import describe_machine, print_measure


def main(arguments: list[str]) -> None:
    """Run the demo for each seed and print its measures."""
    parser = argparse.ArgumentParser(prog="benchmarks demo", description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="a full run each (default: 0)")
    parser.add_argument("--quick", action="store_true", help="one epoch")
    options = parser.parse_args(arguments)
    print(f"The demo, seeds {options.seeds}, {'one epoch' if options.quick else 'whole recipe'}; {describe_machine()}.")
    summaries = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in options.seeds:
            command = [
                sys.executable,
                "examples/demo.py",
                "--runs",
                folder,
                "--name",
                f"seed-{seed}",
                "--seed",
                str(seed),
            ]
            subprocess.run([*command, *(["--epochs", "1"] if options.quick else [])], check=True)
            summaries.append(json.loads((Path(folder) / f"seed-{seed}" / "demo.json").read_text(encoding="utf-8")))
    after = [summary["recall"]["1"] for summary in summaries]
    print_measure("demo.recall_at_1", after, goal=0.40, better="higher")
    before = [summary["recall_untrained"]["1"] for summary in summaries]
    print_measure("demo.recall_at_1_untrained", before, better="higher")
    print_measure("demo.seconds", [summary["seconds"] for summary in summaries], goal=720, better="lower")
