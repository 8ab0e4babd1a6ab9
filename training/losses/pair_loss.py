"""What every loss of pairs or triplets is: a module on plain tensors, so that any trainer can take it."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

__all__ = ["PairLoss", "PairValue"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairValue:
    """What a loss came to.

    Attributes:
        loss: The scalar to minimise.
        active: Which triplets or pairs cost something, (T,) bool; each loss says which it means.
        anchors: The place in the batch of the anchor of each of them, (T,); None where a loss has no anchors, or
            doesn't tell.
    """

    loss: Tensor
    active: Tensor
    anchors: Tensor | None = None


class PairLoss(nn.Module, ABC):
    """A loss of pairs or triplets of a batch. What it learns are its parameters, what it remembers its state."""

    needs_triplets: ClassVar[bool] = False
    """Whether it takes triplets as given; the others take all pictures of a batch and choose for themselves."""

    @abstractmethod
    def forward(self, embeddings: Tensor, labels: Tensor, triplets: Tensor | None = None) -> PairValue:
        """Return the loss of embeddings (B, D), unit norm, labels (B,) and triplets (T, 3) of positions in the batch.

        A batch without the pairs that a loss is made of costs nothing: zero, with a gradient of zero.
        """
