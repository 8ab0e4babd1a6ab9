"""Whether several processes learn what one learns: the largest difference of any step's loss.

The paper's method (mined triplets, ratio and global loss, controller) with EfficientNet-Lite0 on small drawn pictures;
float32, frozen batch norms, and nothing dropped at random, which each process would draw for itself. One process
trains, then several over gloo with the same batches. `--quick` takes 20 steps, of random triplets.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks.drawn_pictures import draw_classes
from benchmarks.evidence import describe_machine, print_measure
from benchmarks.told_steps import TellingBar
from smserve.images import ResizeRule
from training.config import TrainConfig
from training.datasets import load_dataset
from training.distributed import is_first, joined_processes
from training.model import BACKBONES
from training.model.efficientnet_lite import EfficientNetLite0
from training.recipes import find_recipe
from training.trainer import RunFolder, train

_STILL = "efficientnet_lite0_still"


def main(arguments: list[str]) -> None:
    """Train alone and together, and print the largest difference."""
    parser = argparse.ArgumentParser(prog="benchmarks distributed", description=__doc__)
    parser.add_argument("--processes", type=int, default=2, help="that train together (default: 2)")
    parser.add_argument("--quick", action="store_true", help="one epoch")
    parser.add_argument("--train", nargs=2, metavar=("ROOT", "NAME"), help=argparse.SUPPRESS)  # a process of this
    options = parser.parse_args(arguments)
    epochs = 1 if options.quick else 2
    if options.train:
        _train(Path(options.train[0]), options.train[1], epochs)
        return
    print(f"Training with {options.processes} processes and with one; {describe_machine()}.", flush=True)
    with tempfile.TemporaryDirectory() as root:
        draw_classes(Path(root) / "pictures")
        torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(options.processes)]
        for name, launcher in (("one", []), ("several", torchrun)):
            command = [sys.executable, *launcher, "-m", "benchmarks", "distributed", "--train", root, name]
            subprocess.run([*command, *(["--quick"] if options.quick else [])], check=True)
        one, several = (json.loads((Path(root) / f"{name}.json").read_text()) for name in ("one", "several"))
    differences = [abs(a - b) for a, b in zip(one, several, strict=True)]
    print(f"{len(one)} steps; losses {one[0]:.4f} at first, {one[-1]:.4f} at last.")
    print_measure("distributed.max_loss_difference", [max(differences)], goal=1e-5, better="lower")


class _StillBackbone(EfficientNetLite0):
    """Drops none of its blocks."""

    def __init__(self, weights: str) -> None:
        super().__init__(weights)
        self.net._global_params = self.net._global_params._replace(drop_connect_rate=0.0)  # noqa: SLF001 - as named there


def _train(root: Path, name: str, epochs: int) -> None:
    BACKBONES[_STILL] = _StillBackbone
    losses: list[float] = []
    with joined_processes():
        train(
            _config(epochs),
            load_dataset(f"folder:{root / 'pictures'}", root),
            RunFolder(root / name),
            cache_dir=root / "decoded",
            device=torch.device("cpu"),
            bar=TellingBar(losses.append),
            progress=lambda *_: None,
        )
        if is_first():
            (root / f"{name}.json").write_text(json.dumps(losses), encoding="utf-8")


def _config(epochs: int) -> TrainConfig:
    recipe = find_recipe("cub-adaptive", "cub")
    return replace(
        recipe,
        epochs=epochs,
        precision="float32",
        resize=ResizeRule(size=36, height=32, width=32),
        model=replace(recipe.model, backbone=_STILL, freeze_batch_norm=True),
        sampler=replace(
            recipe.sampler, batch_size=16, per_anchor=4, list_length=40, random_epochs=1, neighbours="exact"
        ),
        optimizer=replace(recipe.optimizer, learning_rate=1e-3),
    )
