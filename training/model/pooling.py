"""A feature map to features: one number a channel, or two."""

from typing import Final, Literal

import torch
from torch import Tensor, nn

__all__ = ["Pooling", "PoolingKind"]

PoolingKind = Literal["mean", "max", "both", "gem"]

_SMALLEST: Final = 1e-6  # GeM takes powers of what is above 0


class Pooling(nn.Module):
    """Mean, maximum, both side by side, or generalised mean over the places of a feature map.

    The generalised mean is (mean of x^p)^(1/p): 1 is the mean, larger p nears the maximum (GeM; Radenović, Tolias and
    Chum, arXiv 1711.02512, equation 3). Channels are taken as at least 0, as they are after a ReLU.
    """

    def __init__(self, kind: PoolingKind, power: float) -> None:
        super().__init__()
        self.kind: Final = kind
        self.power: Final = power

    def width(self, channels: int) -> int:
        """Return the number of features of so many channels."""
        return 2 * channels if self.kind == "both" else channels

    def forward(self, feature_map: Tensor) -> Tensor:
        """Return (N, C) float32 of (N, C, h, w); (N, 2 C) of "both"."""
        feature_map = feature_map.float()  # powers and sums of bfloat16 would lose digits
        if self.kind == "mean":
            return feature_map.mean((2, 3))
        if self.kind == "max":
            return feature_map.amax((2, 3))
        if self.kind == "both":
            return torch.cat([feature_map.mean((2, 3)), feature_map.amax((2, 3))], dim=1)
        return feature_map.clamp(min=_SMALLEST).pow(self.power).mean((2, 3)).pow(1 / self.power)
