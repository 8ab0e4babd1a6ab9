"""How a run ends: which steps are its last pass over the training pictures, and the head that is fitted to them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from training.config import TrainConfig
from training.distributed import gather_rows, once_for_all
from training.model import ClassScatter, EmbeddingNet, discriminant_head
from training.samplers import Plan

__all__ = ["features_counted", "first_step_of_last_pass", "fit_head"]


def first_step_of_last_pass(config: TrainConfig, plan: Plan, *, epoch: int, embedded: int, pictures: int) -> int:
    """Return from which step of an epoch on, counted from 0, batches belong to the last pass; their number for none.

    Args:
        config: Epochs and budget of the run.
        plan: Of the epoch.
        epoch: Counted from 1.
        embedded: Pictures through the network before the epoch's steps.
        pictures: N, of the training set.
    """
    if epoch == config.epochs:
        return 0
    if config.max_pictures is None:
        return len(plan.batches)
    before = embedded + np.cumsum([0, *(len(batch.indices) for batch in plan.batches)])[:-1]
    return int(np.searchsorted(before, config.max_pictures - pictures))


@contextmanager
def features_counted(net: EmbeddingNet, scatter: ClassScatter | None, labels: Tensor) -> Iterator[None]:
    """Count what goes into a network's head inside the block, of a batch with labels (B,).

    Without a scatter, nothing is counted. Several processes embed a part each, and each counts all.
    """
    if scatter is None:
        yield
        return

    def count(_: nn.Module, inputs: tuple[Any, ...]) -> None:
        features = gather_rows(torch.cat(inputs, dim=1)).flatten(0, 1)[: len(labels)]  # (processes, R, W) before
        scatter.add(features, labels)

    handle = net.head.register_forward_pre_hook(count)
    try:
        yield
    finally:
        handle.remove()


def fit_head(net: EmbeddingNet, scatter: ClassScatter, config: TrainConfig) -> int:
    """Give a network the head that its last pass's features suggest; return how many pictures said so.

    Several processes must all call this; the first one fits for all.
    """
    weight, bias = once_for_all(
        lambda: discriminant_head(scatter, config.model.dimension, shrinkage=config.finish.shrinkage)
    )
    with torch.no_grad():
        net.head.get_parameter("weight").copy_(weight)
        net.head.get_parameter("bias").copy_(bias)
    return scatter.pictures
