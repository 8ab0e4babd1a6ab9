"""The global loss: equation 3 of Harwood et al., ICCV 2017; from Kumar, Carneiro and Reid, CVPR 2016."""

from torch import Tensor

__all__ = ["global_loss"]


def global_loss(positive: Tensor, negative: Tensor, *, margin: float = 0.01, weight: float = 0.8) -> Tensor:
    """Return J_g of squared distances / 4, in [0, 1], of positive pairs (P,) and negative pairs (N,); a scalar.

    var+ + var- + weight * max(0, mean+ - mean- + margin), with biased variances: the two distributions are made narrow
    and driven apart. Zero where there is no pair of one kind, since it compares the two.
    """
    if not len(positive) or not len(negative):
        return 0 * (positive.sum() + negative.sum())
    gap = (positive.mean() - negative.mean() + margin).clamp_min(0)
    return positive.var(correction=0) + negative.var(correction=0) + weight * gap
