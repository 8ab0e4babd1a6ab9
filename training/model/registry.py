"""Backbones by name."""

from collections.abc import Callable
from functools import partial

from smserve.errors import InvalidInput
from training.config.nearest import did_you_mean
from training.model.backbone import Backbone
from training.model.efficientnet_lite import EfficientNetLite0
from training.model.googlenet import GoogLeNet
from training.model.timm_backbone import find_timm
from training.model.torchvision_backbone import torchvision_backbone, torchvision_names

__all__ = ["BACKBONES", "Backbone", "backbone_names", "find_backbone"]

BACKBONES: dict[str, Callable[[str], Backbone]] = {
    "efficientnet_lite0": EfficientNetLite0,
    "googlenet": GoogLeNet,
}
"""Our own, name -> constructor, which takes the weights: "pretrained", "none" or a path."""


def backbone_names() -> list[str]:
    """Return all names but timm's: our own first, then those of torchvision."""
    return [*BACKBONES, *(name for name in torchvision_names() if name not in BACKBONES)]


def find_backbone(name: str) -> Callable[[str], Backbone]:
    """Return the constructor of a backbone, which takes the weights: "pretrained", "none" or a path.

    Args:
        name: Of `BACKBONES`, or of torchvision's classification networks, "torchvision:" before it or not; or "timm:"
            and a name of timm's.

    Raises:
        InvalidInput: There is none of that name; says which are near.
        Unavailable: It is timm's, which is not installed.
    """
    source, colon, short = name.partition(":")
    if source == "timm" and colon:
        return find_timm(short)
    if source == "torchvision" and colon and short in torchvision_names():
        name = short
    if name in BACKBONES:
        return BACKBONES[name]
    if name in torchvision_names():
        return partial(torchvision_backbone, name)
    raise InvalidInput(
        f"backbone is {name!r}; wanted {', '.join(BACKBONES)}, another classification network of torchvision or "
        f"timm:NAME{did_you_mean(name.removeprefix('torchvision:'), backbone_names())}",
        field="model.backbone",
    )
