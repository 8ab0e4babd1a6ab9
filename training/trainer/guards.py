"""Guards: a run whose embeddings have collapsed is stopped, with what was seen and what to change.

A collapsed network maps all pictures to one point. It shows in the mean cosine of a batch's pictures, which nears 1; in
the share of active triplets, which stays at 1; and in Recall@1 on the validation classes, which is chance.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Final, Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from smserve.errors import SmserveError
from training.config import TrainConfig
from training.trainer.tally import EpochOutcome

__all__ = ["CollapsedRun", "Guards", "Watch", "highest_by_chance", "mean_cosine"]

_DEVIATIONS: Final = 3  # above the mean that Recall@1 may have by chance
_TOO_EASY: Final = 0.5  # where chance may reach this, there are too few validation classes to tell


class CollapsedRun(SmserveError):
    """Training has come to nothing that can be trained further."""

    reason: ClassVar[str] = "COLLAPSED_RUN"


@dataclass(slots=True, kw_only=True)
class Watch:
    """What the guards have seen, kept by checkpoints: batches and epochs in a row that looked collapsed."""

    alike_steps: int = 0
    stuck_epochs: int = 0
    chance_epochs: int = 0

    def state(self) -> dict[str, int]:
        """Return what a checkpoint keeps."""
        return asdict(self)

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Return the watch whose `state()` this was; another document is a TypeError."""
        return cls(**state)


def mean_cosine(embeddings: Tensor) -> Tensor:
    """Return the mean cosine of two pictures of a batch, a scalar, for embeddings (B, D) of unit norm; 0 for B = 1."""
    total = embeddings.detach().float().sum(0)
    count = len(embeddings)
    return (total.square().sum() - count) / max(1, count * (count - 1))


def highest_by_chance(labels: NDArray[np.int64]) -> float | None:
    """Return the Recall@1 that random embeddings stay below, three standard deviations above their mean.

    None where it says nothing: there are no pictures, or too few to tell a network from chance.

    Args:
        labels: (N,) of pictures that each ask all others.
    """
    _, of_class, counts = np.unique(labels, return_inverse=True, return_counts=True)
    right = counts[of_class] - 1
    right = right[right > 0]  # the others ask for nothing
    if not len(right):
        return None
    hits = right / (len(labels) - 1)
    highest = float(hits.mean() + _DEVIATIONS * math.sqrt((hits * (1 - hits)).sum()) / len(hits))
    return highest if highest < _TOO_EASY else None


class Guards:
    """Stop a run that has collapsed; without `guards.on` they only stop at what is no number."""

    def __init__(self, config: TrainConfig, watch: Watch, validation_labels: NDArray[np.int64] | None = None) -> None:
        """Go on from what was seen; labels (N,) of the validation pictures, where there are some."""
        self._config = config
        self._watch = watch
        self._chance = None if validation_labels is None else highest_by_chance(validation_labels)

    def after_step(self, loss: float, cosine: float, place: str) -> None:
        """Look at a batch's loss and mean cosine.

        Raises:
            CollapsedRun: The loss is no number, or the embeddings of many batches in a row are one point.
        """
        if not math.isfinite(loss):
            raise CollapsedRun(
                f"the loss is {loss} at {place}; lower optimizer.learning_rate (now "
                f"{self._config.optimizer.learning_rate}) and train again"
            )
        guards = self._config.guards
        self._watch.alike_steps = self._watch.alike_steps + 1 if cosine > guards.cosine else 0
        if guards.on and self._watch.alike_steps >= guards.steps:
            raise self._collapsed(
                f"the embeddings are one point at {place}: for {self._watch.alike_steps} steps two pictures of a batch "
                f"had a mean cosine above {guards.cosine}, now {cosine:.4f}"
            )

    def after_epoch(self, epoch: int, outcome: EpochOutcome, recall: float | None) -> None:
        """Look at an epoch, and at Recall@1 on the validation classes where there are some.

        Raises:
            CollapsedRun: For several epochs nearly all triplets have been active, or Recall@1 has been chance.
        """
        guards, watch = self._config.guards, self._watch
        stuck = outcome.active_share >= guards.active_share and epoch > self._config.sampler.random_epochs
        watch.stuck_epochs = watch.stuck_epochs + 1 if stuck else 0
        by_chance = recall is not None and self._chance is not None and recall <= self._chance
        watch.chance_epochs = watch.chance_epochs + 1 if by_chance else 0
        if not guards.on:
            return
        if watch.stuck_epochs >= guards.epochs:
            raise self._collapsed(
                f"nothing is learnt: the active share is {outcome.active_share:.4f} in epoch {epoch}, and was "
                f"{guards.active_share} or more in the last {watch.stuck_epochs}"
            )
        if watch.chance_epochs >= guards.epochs:
            raise self._collapsed(
                f"Recall@1 on the validation classes is {recall:.4f} after epoch {epoch}, and was at most "
                f"{self._chance:.4f}, as by chance, after the last {watch.chance_epochs}"
            )

    def _collapsed(self, seen: str) -> CollapsedRun:
        config = self._config
        ways = [f"lower optimizer.learning_rate (now {config.optimizer.learning_rate})"]
        if config.sampler.mined_share:
            ways.append(f"let more epochs be random first (sampler.random_epochs, now {config.sampler.random_epochs})")
            easier = (
                f"begin with a larger kappa (controller.start, now {_shown(config.controller.start)})"
                if config.sampler.kind == "triplets"
                else f"draw fewer mined classes (controller.high, now {config.controller.high})"
            )
            ways.append(easier)
        return CollapsedRun(
            f"{seen}; {', or '.join(ways)}, and train again under another --name. Checkpoints from before are kept; "
            f"--resume --no-guards goes on regardless"
        )


def _shown(value: float | None) -> str:
    return "from the data" if value is None else str(value)
