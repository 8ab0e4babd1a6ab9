"""One epoch: every batch through the network, forwards and backwards."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer

from smserve.errors import SmserveError
from training.augmentation import augment
from training.config import TrainConfig
from training.evaluation import LabelledPixels
from training.losses import LossValue, Objective
from training.mining import all_triplets
from training.model import EmbeddingNet
from training.samplers import Batch, Plan
from training.trainer.optimizer import set_learning_rate
from training.trainer.progress import EpochBar

__all__ = ["EpochOutcome", "Learner"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochOutcome:
    """Means over the epoch's batches, and shares over all of its triplets or pairs, in [0, 1]."""

    loss: float
    pair_loss: float
    global_loss: float
    active_share: float
    mined_active_share: float | None
    pictures: int
    steps: int
    seconds: float


@dataclass(slots=True, kw_only=True, eq=False)
class Learner:
    """What learns: a network by an objective with an optimiser, from the training pictures."""

    net: EmbeddingNet
    objective: Objective
    optimizer: Optimizer
    data: LabelledPixels
    config: TrainConfig
    bar: EpochBar

    def train(self, plan: Plan, epoch: int, *, embedded: int, shown: Mapping[str, float]) -> EpochOutcome:
        """Train on an epoch's batches, or on as many as `max_pictures` allows.

        Args:
            plan: The batches.
            epoch: Counted from 1.
            embedded: Pictures through the network before this.
            shown: Figures for the bar, beside loss and active share.

        Raises:
            SmserveError: The loss is not a number.
        """
        started = time.monotonic()
        generator = torch.Generator().manual_seed(self.config.seed * 1_000_003 + epoch)
        sums = np.zeros(3)
        active = np.zeros(2, np.int64)  # those that cost something, and all
        mined_active = np.zeros(2, np.int64)
        pictures = steps = 0
        self.net.train()
        self.objective.train()
        title = f"epoch {epoch}/{self.config.epochs}: training"
        with self.bar.step(title, sum(len(batch.indices) for batch in plan.batches)) as advance:
            for number, batch in enumerate(plan.batches):
                if self.config.max_pictures is not None and embedded + pictures >= self.config.max_pictures:
                    break
                step = (epoch - 1) * len(plan.batches) + number
                progress = self._progress(step, len(plan.batches), embedded + pictures)
                set_learning_rate(self.optimizer, self.config, step=step, progress=progress, epoch=epoch)
                value = self._step(batch, generator)
                parts = [float(value.total.detach()), float(value.pair.detach()), float(value.spread.detach())]
                if not np.isfinite(parts[0]):
                    raise SmserveError(
                        f"the loss is {parts[0]} at epoch {epoch}, step {number + 1} of {len(plan.batches)}; lower "
                        f"optimizer.learning_rate (now {self.config.optimizer.learning_rate}) and train again"
                    )
                sums += parts
                active += [int(value.active.sum()), value.active.numel()]
                if batch.mined is not None and self.objective.needs_triplets:
                    of_mined = value.active.cpu().numpy()[batch.mined]
                    mined_active += [int(of_mined.sum()), len(of_mined)]
                pictures += len(batch.indices)
                steps += 1
                advance(len(batch.indices), loss=sums[0] / steps, active=active[0] / max(1, active[1]), **shown)
        means = sums / max(1, steps)
        return EpochOutcome(
            loss=float(means[0]),
            pair_loss=float(means[1]),
            global_loss=float(means[2]),
            active_share=float(active[0] / max(1, active[1])),
            mined_active_share=float(mined_active[0] / mined_active[1]) if mined_active[1] else None,
            pictures=pictures,
            steps=steps,
            seconds=time.monotonic() - started,
        )

    def _progress(self, step: int, steps_an_epoch: int, embedded: int) -> float:
        """Return how much of the run is done, in [0, 1]."""
        if self.config.max_pictures is not None:
            return embedded / self.config.max_pictures
        return step / (self.config.epochs * steps_an_epoch)

    def _step(self, batch: Batch, generator: torch.Generator) -> LossValue:
        """Learn from one batch; return what it cost before."""
        rule = self.config.resize
        pixels = self.data.pixels.take(batch.indices)  # (B, S, S, 3)
        pixels = augment(pixels, rule.height, rule.width, self.config.augmentation, generator)
        labels = torch.from_numpy(self.data.labels[batch.indices]).to(pixels.device)
        value: LossValue = self.objective(self.net(pixels), labels, self._triplets(batch, labels))
        self.optimizer.zero_grad(set_to_none=True)
        value.total.backward()  # type: ignore[no-untyped-call] # torch ships no type for it
        self.optimizer.step()
        return value

    def _triplets(self, batch: Batch, labels: Tensor) -> Tensor | None:
        if batch.triplets is not None:
            return torch.from_numpy(batch.triplets).to(labels.device)
        return all_triplets(labels) if self.objective.needs_triplets else None
