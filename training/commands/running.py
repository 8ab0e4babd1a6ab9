"""What `train` and `table` share: a recipe with a person's changes, and a run with its bars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.console import choose_device, stage_progress

if TYPE_CHECKING:
    from training.config import TrainConfig
    from training.datasets import Dataset
    from training.trainer import RunFolder

__all__ = ["changed", "run_in_folder"]


def changed(
    config: TrainConfig, *, seed: int, epochs: int | None, weights: str | None, max_pictures: int | None = None
) -> TrainConfig:
    """Return a recipe's config with the settings that were given; None leaves the recipe's."""
    config = replace(
        config,
        seed=seed,
        epochs=config.epochs if epochs is None else epochs,
        max_pictures=config.max_pictures if max_pictures is None else max_pictures,
    )
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
) -> dict[str, Any]:
    """Train with bars on the console, and return the figures on the test classes."""
    from training.trainer import train
    from training.trainer.progress import EpochBar

    with stage_progress() as progress:
        return train(
            config,
            data,
            folder,
            cache_dir=data_dir / "decoded",
            device=choose_device(device),
            bar=EpochBar(),
            progress=progress,
            resume=resume,
            accepted=accepted,
        )
