"""One epoch: every batch through the network, forwards and backwards."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.optim import Optimizer

from smserve.errors import SmserveError
from training.augmentation import augment
from training.config import TrainConfig
from training.losses import Objective
from training.mining import all_triplets
from training.model import EmbeddingNet
from training.samplers import Batch, Plan
from training.trainer.optimizer import set_learning_rate
from training.trainer.progress import EpochBar

__all__ = ["EpochOutcome", "TrainingSet", "train_epoch"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingSet:
    """Decoded pictures (N, S, S, 3) uint8 and their classes (N,)."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochOutcome:
    """Means over the epoch's batches, and shares over all of its triplets or pairs, in [0, 1]."""

    loss: float
    pair_loss: float
    global_loss: float
    active_share: float
    mined_active_share: float | None
    pictures: int
    seconds: float


def train_epoch(
    net: EmbeddingNet,
    optimizer: Optimizer,
    objective: Objective,
    data: TrainingSet,
    plan: Plan,
    config: TrainConfig,
    epoch: int,
    device: torch.device,
    bar: EpochBar,
    shown: Mapping[str, float],
) -> EpochOutcome:
    """Train on an epoch's batches; `shown` are figures for the bar, beside loss and active share.

    Raises:
        SmserveError: The loss is not a number.
    """
    started = time.monotonic()
    generator = torch.Generator().manual_seed(config.seed * 1_000_003 + epoch)
    sums = np.zeros(3)
    active = np.zeros(2, np.int64)  # those that cost something, and all
    mined_active = np.zeros(2, np.int64)
    pictures = 0
    steps = config.epochs * len(plan.batches)
    net.train()
    with bar.step(
        f"epoch {epoch}/{config.epochs}: training", sum(len(batch.indices) for batch in plan.batches)
    ) as advance:
        for number, batch in enumerate(plan.batches):
            step = (epoch - 1) * len(plan.batches) + number
            set_learning_rate(optimizer, config.optimizer, step=step, steps=steps, epoch=epoch)
            pixels = torch.from_numpy(data.pixels[batch.indices]).to(device)  # (B, S, S, 3)
            pixels = augment(pixels, config.resize.height, config.resize.width, config.augmentation, generator)
            labels = torch.from_numpy(data.labels[batch.indices]).to(device)
            value = objective(net(pixels), labels, _triplets(batch, labels, objective))
            optimizer.zero_grad(set_to_none=True)
            value.total.backward()  # type: ignore[no-untyped-call] # torch ships no type for it
            optimizer.step()
            parts = [float(value.total.detach()), float(value.pair.detach()), float(value.spread.detach())]
            if not np.isfinite(parts[0]):
                raise SmserveError(
                    f"the loss is {parts[0]} at epoch {epoch}, step {number + 1} of {len(plan.batches)}; lower "
                    f"optimizer.learning_rate (now {config.optimizer.learning_rate}) and train again"
                )
            sums += parts
            active += [int(value.active.sum()), value.active.numel()]
            if batch.mined is not None:
                of_mined = value.active.cpu().numpy()[batch.mined]
                mined_active += [int(of_mined.sum()), len(of_mined)]
            pictures += len(batch.indices)
            advance(len(batch.indices), loss=sums[0] / (number + 1), active=active[0] / max(1, active[1]), **shown)
    means = sums / len(plan.batches)
    return EpochOutcome(
        loss=float(means[0]),
        pair_loss=float(means[1]),
        global_loss=float(means[2]),
        active_share=float(active[0] / max(1, active[1])),
        mined_active_share=float(mined_active[0] / mined_active[1]) if mined_active[1] else None,
        pictures=pictures,
        seconds=time.monotonic() - started,
    )


def _triplets(batch: Batch, labels: torch.Tensor, objective: Objective) -> torch.Tensor | None:
    if batch.triplets is not None:
        return torch.from_numpy(batch.triplets).to(labels.device)
    return all_triplets(labels) if objective.needs_triplets else None
