"""Whether several processes learn what one learns: the largest difference of any step's loss.

The paper's method (mined triplets, ratio and global loss, controller) with a small network on drawn pictures, over an
epoch of random triplets and two of mined ones; float32, frozen batch norms. One process trains, then several over gloo
with the same batches. `--quick` takes the first epoch, 20 steps.

Sums over processes round otherwise than sums in one, and training makes rounding grow. So nothing here may be drawn by
each process for itself (dropout), the network is well-conditioned, and it learns slowly: after 60 steps at 0.01 in the
place of 0.003 the same 1e-8 has become 1e-5, and a pretrained EfficientNet makes 1e-4 of it within 20 steps.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.drawn_pictures import draw_classes
from benchmarks.evidence import describe_machine, print_measure
from benchmarks.told_steps import TellingBar
from smserve.images import ResizeRule
from training.config import TrainConfig
from training.datasets import load_dataset
from training.distributed import is_first, joined_processes
from training.model import BACKBONES, Backbone
from training.recipes import find_recipe
from training.trainer import RunFolder, train

_SMALL = "small"


def main(arguments: list[str]) -> None:
    """Train alone and together, and print the largest difference."""
    parser = argparse.ArgumentParser(prog="benchmarks distributed", description=__doc__)
    parser.add_argument("--processes", type=int, default=2, help="that train together (default: 2)")
    parser.add_argument("--quick", action="store_true", help="one epoch")
    parser.add_argument("--train", nargs=2, metavar=("ROOT", "NAME"), help=argparse.SUPPRESS)  # a process of this
    options = parser.parse_args(arguments)
    epochs = 1 if options.quick else 3
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


class _SmallBackbone(Backbone):
    """Two convolutions with a norm between them, of random weights; well-conditioned, so rounding stays rounding."""

    width = 32
    mean = (0.5, 0.5, 0.5)
    std = (0.5, 0.5, 0.5)

    def __init__(self, _weights: str) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 16, 3, 2, 1, bias=False)
        self.norm = nn.BatchNorm2d(16)
        self.second = nn.Conv2d(16, self.width, 3, 2, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Return (N, 32)."""
        return self.feature_map(images).mean((2, 3))

    def feature_map(self, images: Tensor) -> Tensor:
        """Return (N, 32, h, w)."""
        return F.relu(self.second(F.relu(self.norm(self.first(images)))))

    def stages(self) -> list[nn.Module]:
        """Return both convolutions."""
        return [nn.ModuleList([self.first, self.norm]), self.second]


def _train(root: Path, name: str, epochs: int) -> None:
    BACKBONES[_SMALL] = _SmallBackbone
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
        model=replace(recipe.model, backbone=_SMALL, weights="none", freeze_batch_norm=True),
        sampler=replace(
            recipe.sampler, batch_size=16, per_anchor=4, list_length=40, random_epochs=1, neighbours="exact"
        ),
        optimizer=replace(recipe.optimizer, learning_rate=0.003),
    )
