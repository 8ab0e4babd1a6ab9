"""What `train` and `table` share: a recipe with a person's changes, and a run with its bars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.commands.report import report_of_run
from training.console import choose_device, is_shown, say, stage_progress

if TYPE_CHECKING:
    from training.config import TrainConfig
    from training.datasets import Dataset
    from training.trainer import RunFolder

__all__ = ["changed", "run_in_folder"]


def changed(
    config: TrainConfig,
    *,
    seed: int | None,
    epochs: int | None,
    weights: str | None,
    max_pictures: int | None = None,
    guarded: bool = True,
) -> TrainConfig:
    """Return a config with the settings that were given; None leaves what there is."""
    config = replace(
        config,
        seed=config.seed if seed is None else seed,
        epochs=config.epochs if epochs is None else epochs,
        max_pictures=config.max_pictures if max_pictures is None else max_pictures,
    )
    if not guarded:
        config = replace(config, guards=replace(config.guards, on=False))
    return config if weights is None else replace(config, model=replace(config.model, weights=weights))


def run_in_folder(
    config: TrainConfig,
    data: Dataset,
    folder: RunFolder,
    *,
    data_dir: Path,
    device: str,
    resume: bool,
    accepted: Mapping[str, bool],
    resume_from: Path | None = None,
) -> dict[str, Any]:
    """Train with bars on the console, and return the figures on the test classes.

    Started by torchrun, its processes train together.
    """
    from rich.console import Console

    from smserve.memory import keep_freed_memory
    from training.distributed import joined_processes
    from training.tracking import open_trackers
    from training.trainer import train
    from training.trainer.progress import EpochBar

    keep_freed_memory()
    console = Console(stderr=True, highlight=False, quiet=not is_shown())
    with joined_processes(), stage_progress() as progress:
        figures = train(
            config,
            data,
            folder,
            cache_dir=data_dir / "decoded",
            device=choose_device(device),
            bar=EpochBar(console),
            progress=progress,
            resume=resume,
            resume_from=resume_from,
            accepted=accepted,
            tracker=open_trackers(folder.path, say),
        )
    if is_shown():
        report_of_run(folder, data=data, data_dir=data_dir, device=device)
    return figures
