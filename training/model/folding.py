"""Batch norms with frozen statistics, merged into the convolutions before them: the same function, fewer steps."""

from itertools import pairwise
from typing import Final

import torch
from torch import nn

from smserve.errors import InvalidInput

__all__ = ["fold_neighbours", "fold_pair"]

_TOLERANCE: Final = 1e-3  # of the largest feature; float32 rounds differently once the products are merged


def fold_pair(owner: nn.Module, convolution: str, norm: str) -> None:
    """Merge the batch norm `owner.<norm>` into `owner.<convolution>`; what else it did stays in its place.

    That is nothing, an identity, or the activation that timm's batch norms end with.
    """
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
    setattr(owner, norm, getattr(batch_norm, "act", nn.Identity()))


def fold_neighbours(net: nn.Module, side: int) -> None:
    """Fold every batch norm that is declared right after a convolution of as many channels, beside it.

    Libraries declare layers in the order in which they are passed, but nothing makes them: so one picture of noise is
    sent through before and after.

    Args:
        net: Maps (N, 3, H, W) to features; changed in place.
        side: H and W of the picture of noise.

    Raises:
        InvalidInput: The features differ, so an order was another one; `net` is spoilt.
    """
    training = net.training
    net.eval()
    noise = torch.randn((1, 3, side, side), generator=torch.Generator().manual_seed(0))  # leaves torch's own generator
    with torch.no_grad():
        before = net(noise)
        for owner in list(net.modules()):
            for (first, conv), (second, norm) in pairwise(list(owner.named_children())):
                if _fits(conv, norm):
                    fold_pair(owner, first, second)
        difference = (net(noise) - before).abs().max()
    net.train(training)
    if not difference <= _TOLERANCE * before.abs().max():  # NaN fails too
        raise InvalidInput(
            f"{type(net).__name__} can't fold its batch norms: its features change by {difference:.2g}, wanted the "
            f"same; set model.fold_batch_norm to false",
            field="model.fold_batch_norm",
        )


def _fits(conv: nn.Module, norm: nn.Module) -> bool:
    return (
        isinstance(conv, nn.Conv2d)
        and isinstance(norm, nn.BatchNorm2d)
        and conv.out_channels == norm.num_features
        and norm.track_running_stats
    )
