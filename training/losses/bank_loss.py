"""The bank loss: multi-similarity between the pictures of a batch and kept embeddings of the whole training set.

Each step mines the whole training set for pairs, at the cost of a matrix product: no picture is embedded for it. It is
cross-batch memory (Wang et al., CVPR 2020, arXiv 1912.06798) keyed by picture: one embedding of each, its latest.
"""

from dataclasses import dataclass

from torch import Tensor

from training.losses.multi_similarity import similarity_of_pairs

__all__ = ["KeptEmbeddings", "bank_loss"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KeptEmbeddings:
    """What is known of training pictures from earlier batches.

    Attributes:
        embeddings: (N, D), unit norm; without a gradient.
        labels: (N,).
        pictures: (N,), which picture each is of.
    """

    embeddings: Tensor
    labels: Tensor
    pictures: Tensor


def bank_loss(
    embeddings: Tensor,
    labels: Tensor,
    pictures: Tensor,
    kept: KeptEmbeddings,
    *,
    alpha: float = 2.0,
    beta: float = 40.0,
    base: float = 0.5,
    epsilon: float = 0.1,
) -> Tensor:
    """Return the loss of every picture of a batch, (B,), over its pairs with the kept ones; never with itself.

    Args:
        embeddings: (B, D), unit norm.
        labels: (B,).
        pictures: (B,), which they are.
        kept: Of the training set.
        alpha: As for `multi_similarity_loss`.
        beta: As there.
        base: As there.
        epsilon: As there.
    """
    same = labels[:, None] == kept.labels[None, :]  # (B, N)
    itself = pictures[:, None] == kept.pictures[None, :]
    cosines = embeddings @ kept.embeddings.T
    return similarity_of_pairs(cosines, same & ~itself, ~same, alpha=alpha, beta=beta, base=base, epsilon=epsilon)
