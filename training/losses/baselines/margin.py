"""Distance-weighted sampling and the margin loss: Wu et al., ICCV 2017, arXiv 1706.07567, sections 4.1 and 4.2."""

import torch
from torch import Tensor

from smserve.errors import InvalidInput
from training.losses.baselines.upstream import metric_learning
from training.losses.pair_loss import PairLoss, PairValue

__all__ = ["DistanceWeightedMargin"]


class DistanceWeightedMargin(PairLoss):
    """Positives nearer than beta - margin, negatives farther than beta + margin, with a beta that is learned.

    Negatives are drawn evenly over the distances that occur (the inverse of the density of distances on a sphere), so a
    few very near ones don't rule; the draws come from torch's global generator. The loss is divided by the number of
    pairs that cost something. Active are the triplets drawn, of which either pair costs something.
    """

    def __init__(
        self,
        *,
        classes: int | None = None,
        margin: float = 0.2,
        boundary: float = 1.2,
        nu: float = 0.0,
        nearest: float = 0.5,
        farthest: float = 1.4,
    ) -> None:
        """Start from a beta.

        Args:
            classes: How many betas, one a class; None has one for all.
            margin: Of each side of beta, in distances.
            boundary: The first beta.
            nu: Weight of beta itself in the loss.
            nearest: Nearer negatives are drawn as if they were this far.
            farthest: Negatives from here on are not drawn.

        Raises:
            Unavailable: pytorch-metric-learning is not installed.
        """
        super().__init__()
        library = metric_learning()
        self._margin = margin
        self._classes = classes
        self._distance = library.distances.LpDistance()
        self.miner = library.miners.DistanceWeightedMiner(cutoff=nearest, nonzero_loss_cutoff=farthest)
        self.loss = library.losses.MarginLoss(
            margin=margin, nu=nu, beta=boundary, learn_beta=True, num_classes=classes, distance=self._distance
        )

    def forward(self, embeddings: Tensor, labels: Tensor, triplets: Tensor | None = None) -> PairValue:  # noqa: ARG002 - it draws its own
        """See `PairLoss`.

        Raises:
            InvalidInput: There is a beta for each class, and a label is none of them.
        """
        if self._classes is not None and not 0 <= int(labels.min()) <= int(labels.max()) < self._classes:
            raise InvalidInput(
                f"labels are {int(labels.min())} to {int(labels.max())}; wanted 0 to {self._classes - 1}, since there "
                f"is a beta for each of {self._classes} classes",
                field="labels",
            )
        found = self.miner(embeddings, labels)
        loss = self.loss(embeddings, labels, found).sum()  # of one element, where beta has a weight
        anchor, positive, negative = found
        with torch.no_grad():
            beta = self.loss.beta if self._classes is None else self.loss.beta[labels[anchor]]
            distances = self._distance(embeddings)  # (B, B)
            active = (distances[anchor, positive] > beta - self._margin) | (
                distances[anchor, negative] < beta + self._margin
            )
        return PairValue(loss=loss, active=active)
