"""The hardest triplet of each anchor in a batch: Hermans, Beyer and Leibe, 2017, arXiv 1703.07737, equation 5."""

import torch
from torch import Tensor

from training.losses.baselines.upstream import metric_learning
from training.losses.pair_loss import PairLoss, PairValue

__all__ = ["BatchHardTriplets"]


class BatchHardTriplets(PairLoss):
    """The mean of max(0, margin + d(a, p) - d(a, n)) over anchors, p its farthest positive and n its nearest negative.

    Distances are not squared, as that paper advises. Active are the anchors, of those with a positive and a negative,
    whose triplet costs something.
    """

    def __init__(self, *, margin: float = 0.2) -> None:
        """Take the margin between distances.

        Raises:
            Unavailable: pytorch-metric-learning is not installed.
        """
        super().__init__()
        library = metric_learning()
        self._margin = margin
        self._distance = library.distances.LpDistance()
        self.miner = library.miners.BatchHardMiner(distance=self._distance)
        self.loss = library.losses.TripletMarginLoss(
            margin=margin, distance=self._distance, reducer=library.reducers.MeanReducer()
        )

    def forward(self, embeddings: Tensor, labels: Tensor, triplets: Tensor | None = None) -> PairValue:  # noqa: ARG002 - it finds its own
        """See `PairLoss`."""
        found = self.miner(embeddings, labels)
        anchor, positive, negative = found
        with torch.no_grad():
            distances = self._distance(embeddings)  # (B, B)
            active = distances[anchor, negative] < distances[anchor, positive] + self._margin
        return PairValue(loss=self.loss(embeddings, labels, found), active=active)
