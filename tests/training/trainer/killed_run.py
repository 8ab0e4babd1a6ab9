"""A run of the tiny network in a process that a test kills: `python -m tests.training.trainer.killed_run PICTURES RUN`.

It says "step" on standard output after each training step.
"""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch
from rich.console import Console

from tests.training.tiny import TinyBackbone, classes_config, paper_config
from training.config import CheckpointConfig, TrainConfig
from training.datasets import load_dataset
from training.model import BACKBONES
from training.trainer import RunFolder, train
from training.trainer.progress import Advance, EpochBar

KILLED_CONFIGS: dict[str, TrainConfig] = {
    "triplets": replace(paper_config(), epochs=4, checkpoint=CheckpointConfig(every_steps=3, keep=2)),
    "classes": replace(classes_config(), epochs=6, checkpoint=CheckpointConfig(every_steps=2, keep=2)),
}


class TellingBar(EpochBar):
    """Tells another process how far the run is."""

    def __init__(self) -> None:
        super().__init__(Console(file=io.StringIO()))

    @contextmanager
    def step(self, title: str, pictures: int) -> Iterator[Advance]:
        with super().step(title, pictures) as advance:

            def told(count: int, /, **figures: float) -> None:
                advance(count, **figures)
                if "loss" in figures:
                    sys.stdout.write("step\n")
                    sys.stdout.flush()

            yield told


def main(kind: str, pictures: str, path: str) -> None:
    BACKBONES["tiny"] = TinyBackbone
    train(
        KILLED_CONFIGS[kind],
        load_dataset(f"folder:{pictures}", Path(path).parent),
        RunFolder(Path(path)),
        cache_dir=Path(path).parent / "decoded",
        device=torch.device("cpu"),
        bar=TellingBar(),
        progress=lambda *_: None,
        resume=True,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
