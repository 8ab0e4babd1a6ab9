"""Semi-hard triplets of a batch: FaceNet, Schroff, Kalenichenko and Philbin, CVPR 2015, equations 1 to 4."""

import torch
from torch import Tensor

from training.losses.baselines.upstream import metric_learning
from training.losses.batch_pairs import positive_pairs
from training.losses.pair_loss import PairLoss, PairValue

__all__ = ["SemiHardTriplets"]


class SemiHardTriplets(PairLoss):
    """The mean of d(a, p)^2 - d(a, n)^2 + margin over all semi-hard triplets of a batch.

    Semi-hard (equation 4): the negative is farther than the positive, but by less than the margin. Memory grows with
    B^3. Active are the ordered positive pairs that have a semi-hard negative.
    """

    def __init__(self, *, margin: float = 0.2) -> None:
        """Take the margin between squared distances.

        Raises:
            Unavailable: pytorch-metric-learning is not installed.
        """
        super().__init__()
        library = metric_learning()
        distance = library.distances.LpDistance(power=2)
        self.miner = library.miners.TripletMarginMiner(margin=margin, type_of_triplets="semihard", distance=distance)
        self.loss = library.losses.TripletMarginLoss(
            margin=margin, distance=distance, reducer=library.reducers.MeanReducer()
        )

    def forward(self, embeddings: Tensor, labels: Tensor, triplets: Tensor | None = None) -> PairValue:  # noqa: ARG002 - it finds its own
        """See `PairLoss`."""
        found = self.miner(embeddings, labels)
        pairs = positive_pairs(labels)
        costly = torch.zeros_like(pairs)
        costly[found[0], found[1]] = True
        return PairValue(loss=self.loss(embeddings, labels, found), active=costly[pairs])
