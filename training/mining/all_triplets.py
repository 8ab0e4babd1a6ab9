"""All triplets of a batch."""

import torch
from torch import Tensor

__all__ = ["all_triplets"]


def all_triplets(labels: Tensor) -> Tensor:
    """Return every (anchor, positive, negative) that labels (B,) allow, as positions (T, 3)."""
    same = labels[:, None] == labels[None, :]
    positive = same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    return (positive[:, :, None] & ~same[:, None, :]).nonzero()
