"""Backbones by name."""

from collections.abc import Callable

from training.model.backbone import Backbone
from training.model.efficientnet_lite import EfficientNetLite0
from training.model.googlenet import GoogLeNet

__all__ = ["BACKBONES", "Backbone"]

BACKBONES: dict[str, Callable[[str], Backbone]] = {
    "efficientnet_lite0": EfficientNetLite0,
    "googlenet": GoogLeNet,
}
"""Name -> constructor, which takes the weights: "pretrained", "none" or a path."""
