"""The multi-similarity loss: Wang et al., CVPR 2019, arXiv 1904.06627, equations 7 to 9."""

import torch
from torch import Tensor

__all__ = ["multi_similarity_loss"]


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
    positive = same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    with torch.no_grad():
        hardest_positive = cosines.masked_fill(~positive, torch.inf).amin(1, keepdim=True)  # (B, 1)
        hardest_negative = cosines.masked_fill(same, -torch.inf).amax(1, keepdim=True)
        positive = positive & (cosines - epsilon < hardest_negative)
        negative = ~same & (cosines + epsilon > hardest_positive)
    attraction = ((-alpha * (cosines - base)).exp() * positive).sum(1).log1p() / alpha
    repulsion = ((beta * (cosines - base)).exp() * negative).sum(1).log1p() / beta
    return attraction + repulsion
