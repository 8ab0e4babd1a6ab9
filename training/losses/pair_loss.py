"""What every loss of pairs or triplets is: a module on plain tensors, so that any trainer can take it."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

__all__ = ["PairLoss", "PairValue"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairValue:
    """The scalar to minimise, and (T,) bool: which triplets or pairs cost something; each loss says which it means."""

    loss: Tensor
    active: Tensor


class PairLoss(nn.Module, ABC):
    """A loss of pairs or triplets of a batch. What it learns are its parameters, what it remembers its state."""

    needs_triplets: ClassVar[bool] = False
    """Whether it takes triplets as given; the others take all pictures of a batch and choose for themselves."""

    @abstractmethod
    def forward(self, embeddings: Tensor, labels: Tensor, triplets: Tensor | None = None) -> PairValue:
        """Return the loss of embeddings (B, D), unit norm, labels (B,) and triplets (T, 3) of positions in the batch.

        A batch without the pairs that a loss is made of costs nothing: zero, with a gradient of zero.
        """
