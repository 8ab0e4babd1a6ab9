"""A run as the command makes it, without bars."""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from training.config import TrainConfig
from training.datasets import Dataset
from training.trainer import RunFolder, train
from training.trainer.progress import Advance, EpochBar


def silent_bar() -> EpochBar:
    return EpochBar(Console(file=io.StringIO()))


def run(
    config: TrainConfig,
    data: Dataset,
    path: Path,
    *,
    resume: bool = False,
    resume_from: Path | None = None,
    bar: EpochBar | None = None,
) -> dict[str, Any]:
    """Train in the folder `path`; decoded pictures are kept beside it."""
    return train(
        config,
        data,
        RunFolder(path),
        cache_dir=path.parent / "decoded",
        device=torch.device("cpu"),
        bar=bar or silent_bar(),
        progress=lambda *_: None,
        resume=resume,
        resume_from=resume_from,
    )


def weights_of(path: Path) -> dict[str, torch.Tensor]:
    """Return the network's state in a run's newest checkpoint."""
    state: dict[str, torch.Tensor] = RunFolder(path).checkpoints.load()["net"]
    return state


class Interrupted(Exception):
    """Stands for a kill."""


class InterruptingBar(EpochBar):
    """Ends a run once so many training steps are done, before the last is saved; or after so many epochs."""

    def __init__(self, *, after_steps: int | None = None, after_epochs: int | None = None) -> None:
        super().__init__(Console(file=io.StringIO()))
        self._steps, self._epochs = after_steps, after_epochs

    @contextmanager
    def step(self, title: str, pictures: int) -> Iterator[Advance]:
        with super().step(title, pictures) as advance:

            def counted(count: int, /, **figures: float) -> None:
                advance(count, **figures)
                if self._steps is not None and "loss" in figures:
                    self._steps -= 1
                    if self._steps <= 0:
                        raise Interrupted

            yield counted

    def finished_epoch(self, record: Mapping[str, Any], epochs: int) -> None:
        super().finished_epoch(record, epochs)
        if record["epoch"] == self._epochs:
            raise Interrupted
