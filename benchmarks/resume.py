"""Whether runs that are killed and gone on with come to the same, bit for bit.

A run of EfficientNet-Lite0 on small drawn pictures is made once in peace, then again and again with a SIGKILL at a
random moment, and gone on with. Runs take turns between mined classes and the paper's mined triplets, and between
frequent and rare checkpoints. The weights, the figures on the test classes, the log without its times, and the bytes of
the exported model file must be the same; it names the commit, so commit nothing meanwhile. `--quick` kills twice.
"""

import argparse
import hashlib
import json
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from benchmarks.drawn_pictures import draw_classes
from benchmarks.evidence import describe_machine, print_measure
from benchmarks.told_steps import TellingBar
from smserve.images import ResizeRule
from training.config import CheckpointConfig, TrainConfig
from training.datasets import load_dataset
from training.recipes import find_recipe
from training.trainer import RunFolder, export_run, train

_KINDS = ("classes", "triplets")
_TIMES = {"epoch_s", "embedding_s", "neighbours_s", "selection_s", "mining_share_of_epoch", "pictures_per_s"}


def main(arguments: list[str]) -> None:
    """Kill and go on, compare, and print how many came to the same."""
    parser = argparse.ArgumentParser(prog="benchmarks resume", description=__doc__)
    parser.add_argument("--kills", type=int, default=20, help="runs that are killed, once each (default: 20)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (default: 0)")
    parser.add_argument("--quick", action="store_true", help="two")
    parser.add_argument(
        "--train", nargs=3, metavar=("ROOT", "KIND", "RUN"), help=argparse.SUPPRESS
    )  # a process of this
    options = parser.parse_args(arguments)
    if options.train:
        _train(*options.train)
        return
    kills = 2 if options.quick else options.kills
    print(f"{kills} runs killed at a random moment and gone on with; {describe_machine()}.", flush=True)
    moments = random.Random(options.seed)  # noqa: S311 - nothing is secret
    same = 0
    with tempfile.TemporaryDirectory() as root:
        draw_classes(Path(root) / "pictures")
        whole = {kind: _whole(root, kind) for kind in _KINDS[: min(kills, 2)]}
        for number in range(kills):
            kind = _KINDS[number % 2]
            expected, seconds, steps = whole[kind]
            step, later_s = moments.randint(1, steps), moments.uniform(0, seconds / steps)
            run = f"{kind}-{number}-every-{moments.choice([1, 3, 1000])}"
            done = _killed(root, kind, run, step, later_s)
            _finish(root, kind, run)
            found = _result(root, run)
            changed = [name for name in expected if found[name] != expected[name]]
            same += not changed
            print(
                f"{run}: killed {later_s:.2f} s after step {step}, {done} of {steps} done: "
                f"{'other ' + ', '.join(changed) if changed else 'the same'}",
                flush=True,
            )
    print_measure(f"resume.identical_of_{kills}", [same], goal=kills, better="higher")


def _whole(root: str, kind: str) -> tuple[dict[str, Any], float, int]:
    """Return what a run in peace comes to, its seconds from the first step to the end, and its steps."""
    started = 0.0
    steps = 0
    with _start(root, kind, f"{kind}-whole") as process:
        for _ in process.stdout or ():
            started = started or time.monotonic()
            steps += 1
    seconds = time.monotonic() - started
    return _result(root, f"{kind}-whole"), seconds, steps


def _killed(root: str, kind: str, run: str, step: int, later_s: float) -> int:
    """Kill a run so long after a step; return how many steps it had done."""
    with _start(root, kind, run) as process:
        told = iter(process.stdout or ())
        for _ in range(step):
            next(told)
        time.sleep(later_s)
        process.kill()
        return step + sum(1 for _ in told)


def _finish(root: str, kind: str, run: str) -> None:
    with _start(root, kind, run) as process:
        process.communicate()
    if process.returncode:
        sys.exit(f"{run} could not be gone on with: status {process.returncode}")


def _start(root: str, kind: str, run: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks", "resume", "--train", root, kind, run]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _result(root: str, run: str) -> dict[str, Any]:
    folder = RunFolder(Path(root) / run / "run")
    weights = hashlib.sha256()
    for name, weight in sorted(folder.checkpoints.load()["net"].items()):
        weights.update(name.encode() + weight.contiguous().numpy().tobytes())
    return {
        "weights": weights.hexdigest(),
        "model": hashlib.sha256(folder.model_file.read_bytes()).hexdigest(),
        "figures": folder.evaluation(),
        "log": json.dumps([{name: line[name] for name in sorted(line.keys() - _TIMES)} for line in folder.epochs()]),
    }


def _train(root: str, kind: str, run: str) -> None:
    """Train, or go on, and export; a line on standard output a step."""
    data = load_dataset(f"folder:{root}/pictures", Path(root))
    folder = RunFolder(Path(root) / run / "run")
    every = run.rpartition("-")[2]
    cache_dir = Path(root) / "decoded"
    train(
        _config(kind, int(every) if every.isdigit() else None),
        data,
        folder,
        cache_dir=cache_dir,
        device=torch.device("cpu"),
        bar=TellingBar(lambda loss: print(loss, flush=True)),
        progress=lambda *_: None,
        resume=True,
    )
    export_run(folder, data, folder.model_file, cache_dir=cache_dir, progress=lambda *_: None)


def _config(kind: str, every_steps: int | None) -> TrainConfig:
    config = find_recipe("photos" if kind == "classes" else "emoji-adaptive", kind)
    rule = ResizeRule(size=36, height=32, width=32)
    sampler = replace(config.sampler, batch_size=16, list_length=40, random_epochs=1, neighbours="exact")
    return replace(
        config,
        epochs=3,
        max_pictures=None,
        resize=rule,
        model=replace(config.model, dimension=32, input_size=None),
        sampler=sampler,
        checkpoint=CheckpointConfig(every_steps=every_steps, keep=2),
    )
