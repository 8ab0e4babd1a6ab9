"""The figures of a network on a data set's test classes."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch

from training.config import TrainConfig
from training.datasets import Dataset, PictureSet, Progress, decode_set
from training.distributed import first_on_its_machine
from training.evaluation import LabelledPixels, evaluate
from training.model import EmbeddingNet
from training.pixel_store import PixelStore

__all__ = ["load_pixels", "measure_test_classes"]


def load_pixels(
    pictures: PictureSet, config: TrainConfig, *, cache_dir: Path, device: torch.device, progress: Progress
) -> LabelledPixels:
    """Return the decoded pictures of a split, on the device where they fit."""
    pixels = decode_set(pictures, config.resize, cache_dir, progress)
    return LabelledPixels(pixels=PixelStore(pixels, device), labels=pictures.labels)


def measure_test_classes(
    net: EmbeddingNet,
    dataset: Dataset,
    config: TrainConfig,
    *,
    cache_dir: Path,
    device: torch.device,
    progress: Progress,
    shared: bool = False,
) -> dict[str, Any]:
    """Return what `training.evaluation.evaluate` does: each test picture asks the gallery, or else all other ones.

    With `shared`, several processes embed together, and all must call this.
    """
    places: dict[str, Any] = {"cache_dir": cache_dir, "device": device, "progress": progress}
    with first_on_its_machine() if shared else nullcontext():
        queries = load_pixels(dataset.test, config, **places)
        gallery = None if dataset.gallery is None else load_pixels(dataset.gallery, config, **places)
    return evaluate(net, queries, config.resize, gallery=gallery, ks=config.recall_at, shared=shared)
