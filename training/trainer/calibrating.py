"""Probabilities for a finished run: fitted on its validation classes, judged on its test classes."""

from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import nn

from training.calibration import Calibrated, fit_calibration, neighbour_pairs
from training.config import TrainConfig
from training.datasets import Dataset, PictureSet, Progress
from training.datasets.load import public_name
from training.evaluation import embed_pictures
from training.trainer.measuring import load_pixels

__all__ = ["calibrate", "some_classes"]

_MOST: Final = 4000  # pictures; two numbers need no more, and a large set would take long


def calibrate(
    net: nn.Module,
    dataset: Dataset,
    config: TrainConfig,
    *,
    cache_dir: Path,
    device: torch.device,
    progress: Progress,
) -> Calibrated | None:
    """Fit probabilities on the validation classes; None where there are none, or too few pairs of them.

    Of a large set only whole classes up to 4,000 pictures are taken, evenly spread.
    """
    pictures = some_classes(dataset.validation, _MOST)
    if not len(pictures):
        return None
    data = load_pixels(pictures, config, cache_dir=cache_dir, device=device, progress=progress)
    pairs = neighbour_pairs(embed_pictures(net, data.pixels, config.resize), data.labels)
    return fit_calibration(pairs, fitted_on=f"{public_name(dataset.name)}/validation")


def some_classes(pictures: PictureSet, most: int) -> PictureSet:
    """Return whole classes of at most about `most` pictures together: every so manieth one; all where they are few."""
    if len(pictures) <= most:
        return pictures
    step = -(-len(pictures) // most)
    kept = np.flatnonzero(pictures.labels % step == 0)
    return replace(
        pictures,
        paths=tuple(pictures.paths[place] for place in kept),
        ids=tuple(pictures.ids[place] for place in kept),
        labels=pictures.labels[kept],
    )
