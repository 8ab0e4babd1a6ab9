"""What an epoch has come to so far, kept by checkpoints; and in the end."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from torch import Tensor

__all__ = ["EpochOutcome", "Tally"]


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
    mean_cosine: float


@dataclass(slots=True, kw_only=True)
class Tally:
    """Sums over the steps done; of triplets or pairs, those that cost something and all."""

    loss: float = 0.0
    pair_loss: float = 0.0
    global_loss: float = 0.0
    active: int = 0
    looked_at: int = 0
    mined_active: int = 0
    mined_looked_at: int = 0
    pictures: int = 0
    steps: int = 0
    seconds: float = 0.0
    cosine: float = 0.0

    def count_active(self, active: Tensor, mined: Tensor | None) -> None:
        """Add a batch's triplets or pairs, (T,) bool, and which of them were mined, (T,) bool, where that is known."""
        self.active += int(active.sum())
        self.looked_at += active.numel()
        if mined is not None:
            self.mined_active += int(active.cpu()[mined].sum())
            self.mined_looked_at += int(mined.sum())

    @property
    def mean_loss(self) -> float:
        """Of a batch, so far."""
        return self.loss / max(1, self.steps)

    @property
    def active_share(self) -> float:
        """Of all triplets or pairs, so far."""
        return self.active / max(1, self.looked_at)

    def outcome(self) -> EpochOutcome:
        """Return the means and shares."""
        steps = max(1, self.steps)
        return EpochOutcome(
            loss=self.loss / steps,
            pair_loss=self.pair_loss / steps,
            global_loss=self.global_loss / steps,
            active_share=self.active_share,
            mined_active_share=self.mined_active / self.mined_looked_at if self.mined_looked_at else None,
            pictures=self.pictures,
            steps=self.steps,
            seconds=self.seconds,
            mean_cosine=self.cosine / steps,
        )

    def state(self) -> dict[str, float]:
        """Return what a checkpoint keeps."""
        return asdict(self)

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Return the tally whose `state()` this was; another document is a TypeError."""
        return cls(**state)
