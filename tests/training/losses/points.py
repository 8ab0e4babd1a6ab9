"""Points to test losses on."""

import torch
from torch import Tensor
from torch.nn.functional import normalize

__all__ = ["circle", "gradient", "sphere"]


def circle(*degrees: float) -> Tensor:
    """Return points (B, 2) on the unit circle."""
    angles = torch.tensor(degrees, dtype=torch.float64).deg2rad()
    return torch.stack([angles.cos(), angles.sin()], 1).float()


def sphere(count: int, dimension: int, seed: int) -> Tensor:
    """Return random points (B, D) of unit norm."""
    return normalize(torch.randn((count, dimension), generator=torch.Generator().manual_seed(seed)), dim=1)


def gradient(loss: Tensor, points: Tensor) -> Tensor:
    """Return d loss / d points."""
    (found,) = torch.autograd.grad(loss, points, retain_graph=True)
    return found
