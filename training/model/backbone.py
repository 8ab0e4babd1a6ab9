"""What a backbone must offer."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from smserve.errors import InvalidInput

__all__ = ["Backbone"]


class Backbone(nn.Module, ABC):
    """Normalised pictures to pooled features.

    Attributes:
        width: Number of features.
        mean: Of each channel, in [0, 1], subtracted before the first layer.
        std: Of each channel, divided by.
    """

    width: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    @abstractmethod
    def forward(self, images: Tensor) -> Tensor:
        """Return pooled features (N, width) of normalised pictures (N, 3, H, W)."""

    @abstractmethod
    def stages(self) -> list[nn.Module]:
        """Return the stem and then each block, in the order in which a picture passes them."""

    def fold_batch_norm(self) -> None:
        """Merge batch norms, with their running statistics, into the convolutions before them, in place.

        Raises:
            InvalidInput: This backbone can't.
        """
        raise InvalidInput(
            f"{type(self).__name__} can't fold its batch norms; set model.fold_batch_norm to false",
            field="model.fold_batch_norm",
        )

    def freeze_stages(self, count: int) -> None:
        """Keep the first `count` stages as they are, in training too."""
        for stage in self.stages()[:count]:
            stage.requires_grad_(False)


def keep_statistics(module: nn.Module) -> None:
    """Put every batch norm of a module into evaluation mode, so that running statistics normalise and stay."""
    for child in module.modules():
        if isinstance(child, nn.BatchNorm2d):
            child.eval()


def fold_pair(owner: nn.Module, convolution: str, norm: str) -> None:
    """Merge the batch norm `owner.<norm>` into `owner.<convolution>` and put an identity in its place."""
    conv, batch_norm = getattr(owner, convolution), getattr(owner, norm)
    conv.weight, conv.bias = torch.nn.utils.fusion.fuse_conv_bn_weights(
        conv.weight,
        conv.bias,
        batch_norm.running_mean,
        batch_norm.running_var,
        batch_norm.eps,
        batch_norm.weight,
        batch_norm.bias,
    )
    setattr(owner, norm, nn.Identity())
