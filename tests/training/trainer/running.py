"""A run as the command makes it, without bars."""

import io
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from training.config import TrainConfig
from training.datasets import Dataset
from training.trainer import RunFolder, train
from training.trainer.progress import EpochBar


def silent_bar() -> EpochBar:
    return EpochBar(Console(file=io.StringIO()))


def run(config: TrainConfig, data: Dataset, path: Path, *, resume: bool = False) -> dict[str, Any]:
    """Train in the folder `path`; decoded pictures are kept beside it."""
    return train(
        config,
        data,
        RunFolder(path),
        cache_dir=path.parent / "decoded",
        device=torch.device("cpu"),
        bar=silent_bar(),
        progress=lambda *_: None,
        resume=resume,
    )


def weights_of(path: Path) -> dict[str, torch.Tensor]:
    """Return the network's state in a run's checkpoint."""
    state: dict[str, torch.Tensor] = torch.load(RunFolder(path).checkpoint_file, weights_only=True)["net"]
    return state
