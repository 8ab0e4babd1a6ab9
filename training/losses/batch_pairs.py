"""The pairs of a batch, as masks (B, B)."""

import torch
from torch import Tensor

__all__ = ["pairs_of_batch", "pairs_of_triplets", "positive_pairs", "violated_pairs"]


def positive_pairs(labels: Tensor) -> Tensor:
    """Return the mask (B, B) of ordered pairs of a class, without a picture and itself."""
    same = labels[:, None] == labels[None, :]
    return same.fill_diagonal_(False)


def pairs_of_batch(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return masks (B, B) of all pairs of a class and of all others; each pair counts once."""
    same = labels[:, None] == labels[None, :]
    once = torch.ones_like(same).triu(1)
    return same & once, ~same & once


def pairs_of_triplets(triplets: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return masks (B, B) of the pairs (a, p) and (a, n) that occur in triplets; each pair counts once."""
    masks = torch.zeros((2, count, count), dtype=torch.bool, device=triplets.device)
    anchor, positive, negative = triplets.unbind(1)
    masks[0, anchor, positive] = True
    masks[1, anchor, negative] = True
    return masks[0], masks[1]


def violated_pairs(embeddings: Tensor, labels: Tensor) -> Tensor:
    """Return for each ordered positive pair, (P,), whether a negative of the batch is nearer to its anchor."""
    cosines = embeddings.detach() @ embeddings.detach().T
    same = labels[:, None] == labels[None, :]
    nearest_negative = cosines.masked_fill(same, -torch.inf).amax(1, keepdim=True)
    return (nearest_negative > cosines)[positive_pairs(labels)]
