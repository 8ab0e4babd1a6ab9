"""The multi-similarity loss: Wang et al., CVPR 2019, arXiv 1904.06627, equations 7 to 9."""

import torch
from torch import Tensor

from training.losses.batch_pairs import positive_pairs, violated_pairs
from training.losses.pair_loss import PairLoss, PairValue

__all__ = ["MultiSimilarity", "multi_similarity_loss"]


def multi_similarity_loss(
    embeddings: Tensor,
    labels: Tensor,
    *,
    alpha: float = 2.0,
    beta: float = 40.0,
    base: float = 0.5,
    epsilon: float = 0.1,
) -> Tensor:
    """Return the loss of every anchor, (B,), over all pairs of a batch.

    A pair takes part when it is harder than the anchor's easiest pair of the other kind, to within `epsilon` (the
    paper's own mining, equations 7 and 8).

    Args:
        embeddings: (B, D), unit norm.
        labels: (B,).
        alpha: Weight of positive pairs; larger attends to the hardest alone.
        beta: The same for negative pairs.
        base: Cosine that separates the two kinds.
        epsilon: Slack of the mining, in cosine.
    """
    cosines = embeddings @ embeddings.T  # (B, B)
    same = labels[:, None] == labels[None, :]
    positive = positive_pairs(labels)
    with torch.no_grad():
        hardest_positive = cosines.masked_fill(~positive, torch.inf).amin(1, keepdim=True)  # (B, 1)
        hardest_negative = cosines.masked_fill(same, -torch.inf).amax(1, keepdim=True)
        positive = positive & (cosines - epsilon < hardest_negative)
        negative = ~same & (cosines + epsilon > hardest_positive)
    attraction = _log_one_plus_sum(-alpha * (cosines - base), positive) / alpha
    repulsion = _log_one_plus_sum(beta * (cosines - base), negative) / beta
    return attraction + repulsion


class MultiSimilarity(PairLoss):
    """Its mean over the anchors of a batch; active are the ordered positive pairs that have a nearer negative."""

    def __init__(self, *, alpha: float = 2.0, beta: float = 40.0, base: float = 0.5, epsilon: float = 0.1) -> None:
        super().__init__()
        self._settings = {"alpha": alpha, "beta": beta, "base": base, "epsilon": epsilon}

    def forward(self, embeddings: Tensor, labels: Tensor, triplets: Tensor | None = None) -> PairValue:  # noqa: ARG002 - it takes all pairs
        """See `PairLoss`."""
        loss = multi_similarity_loss(embeddings, labels, **self._settings).mean()
        anchors = positive_pairs(labels).nonzero()[:, 0]
        return PairValue(loss=loss, active=violated_pairs(embeddings, labels), anchors=anchors)


def _log_one_plus_sum(exponents: Tensor, mask: Tensor) -> Tensor:
    """Return log(1 + sum of exp(exponents) where mask), (B,), for exponents (B, B) of any size."""
    one = exponents.new_zeros((len(exponents), 1))
    return torch.cat([exponents.masked_fill(~mask, -torch.inf), one], 1).logsumexp(1)
