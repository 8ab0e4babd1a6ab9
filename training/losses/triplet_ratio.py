"""The triplet ratio loss: equation 2 of Harwood et al., ICCV 2017."""

from typing import ClassVar

from torch import Tensor

from smserve.errors import InvalidInput
from training.losses.pair_loss import PairLoss, PairValue

__all__ = ["RatioTriplets", "triplet_distances", "triplet_ratio_loss"]

_TINY = 1e-12  # keeps the square root's gradient finite where two embeddings are the same


def triplet_distances(embeddings: Tensor, triplets: Tensor) -> tuple[Tensor, Tensor]:
    """Return d(a, p) and d(a, n), each (T,), Euclidean, of triplets (T, 3) of rows of `embeddings` (B, D)."""
    anchor, positive, negative = embeddings[triplets].unbind(1)  # each (T, D)
    return tuple(  # type: ignore[return-value] # two elements
        (anchor - other).pow(2).sum(1).clamp_min(_TINY).sqrt() for other in (positive, negative)
    )


def triplet_ratio_loss(embeddings: Tensor, triplets: Tensor, *, margin: float = 0.2) -> Tensor:
    """Return J_t of each triplet, (T,): max(0, 1 - d(a, n) / (d(a, p) + margin)).

    It is above zero exactly when d(a, n) < d(a, p) + margin, and below one.
    """
    positive, negative = triplet_distances(embeddings, triplets)
    return (1 - negative / (positive + margin)).clamp_min(0)


class RatioTriplets(PairLoss):
    """The mean of J_t over the given triplets; active are those with J_t above zero."""

    needs_triplets: ClassVar[bool] = True

    def __init__(self, *, margin: float = 0.2) -> None:
        super().__init__()
        self._margin = margin

    def forward(self, embeddings: Tensor, labels: Tensor, triplets: Tensor | None = None) -> PairValue:  # noqa: ARG002 - the triplets say it all
        """See `PairLoss`.

        Raises:
            InvalidInput: There are no triplets.
        """
        if triplets is None:
            raise InvalidInput("the triplet ratio loss was given no triplets; wanted (T, 3)", field="triplets")
        costs = triplet_ratio_loss(embeddings, triplets, margin=self._margin)
        return PairValue(loss=costs.sum() / max(1, len(costs)), active=costs.detach() > 0, anchors=triplets[:, 0])
