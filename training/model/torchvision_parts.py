"""torchvision's classification networks, taken apart: what comes before the pooling, and what after it.

All of a family are built alike, so a family is taken apart by a function.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from torch import nn

__all__ = ["NetworkParts", "take_apart"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkParts:
    """A network without its classifier.

    Attributes:
        stages: The stem and each block; one after the other they map (N, 3, H, W) to (N, width, h, w).
        width: Channels of that.
        norm: (N, width, 1, 1) of mean-pooled features to (N, width): the last norm, where it comes after the pooling.
    """

    stages: tuple[nn.Module, ...]
    width: int
    norm: nn.Module


def take_apart(net: Any) -> NetworkParts:
    """Return the parts of one of torchvision's networks; the modules are the network's own.

    Raises:
        KeyError: It is of a family that is not known here.
    """
    return _FAMILIES[type(net).__name__](net)


def _parts(stages: Iterable[nn.Module], width: int, norm: nn.Module | None = None) -> NetworkParts:
    return NetworkParts(stages=tuple(stages), width=width, norm=norm or nn.Flatten())


def _resnet(net: Any) -> NetworkParts:
    stem = nn.Sequential(net.conv1, net.bn1, net.relu, net.maxpool)
    return _parts([stem, net.layer1, net.layer2, net.layer3, net.layer4], net.fc.in_features)


def _shufflenet(net: Any) -> NetworkParts:
    stem = nn.Sequential(net.conv1, net.maxpool)
    return _parts([stem, net.stage2, net.stage3, net.stage4, net.conv5], net.fc.in_features)


def _regnet(net: Any) -> NetworkParts:
    return _parts([net.stem, *net.trunk_output], net.fc.in_features)


def _inception(net: Any) -> NetworkParts:
    passed = [child for name, child in net.named_children() if name not in {"AuxLogits", "avgpool", "dropout", "fc"}]
    return _parts(passed, net.fc.in_features)


def _efficientnet(net: Any) -> NetworkParts:
    return _parts(net.features, net.classifier[1].in_features)


def _mobilenet_v3(net: Any) -> NetworkParts:
    return _parts(net.features, net.classifier[0].in_features)


def _mnasnet(net: Any) -> NetworkParts:
    stem = nn.Sequential(*net.layers[:8])  # two convolutions, with norm and activation, and a projection
    return _parts([stem, *net.layers[8:14], nn.Sequential(*net.layers[14:])], net.classifier[1].in_features)


def _densenet(net: Any) -> NetworkParts:
    stem, blocks = nn.Sequential(*net.features[:4]), net.features[4:-1]
    return _parts([stem, *blocks, nn.Sequential(net.features[-1], nn.ReLU())], net.classifier.in_features)


def _between_pools(net: Any) -> NetworkParts:
    """AlexNet, VGG and SqueezeNet: a block ends with a pool; layers that take a fixed number of places are left out."""
    blocks: list[list[nn.Module]] = [[]]
    for layer in net.features:
        blocks[-1].append(layer)
        if isinstance(layer, nn.MaxPool2d):
            blocks.append([])
    width = [layer.out_channels for layer in net.features.modules() if isinstance(layer, nn.Conv2d)][-1]
    if hasattr(net.features[-1], "expand3x3"):  # SqueezeNet's last block puts two convolutions side by side
        width = net.features[-1].expand1x1.out_channels + net.features[-1].expand3x3.out_channels
    return _parts([nn.Sequential(*block) for block in blocks if block], width)


def _convnext(net: Any) -> NetworkParts:
    norm = nn.Sequential(net.classifier[0], net.classifier[1])  # flattened by the second
    return _parts(net.features, net.classifier[2].in_features, norm)


def _swin(net: Any) -> NetworkParts:
    last = nn.Sequential(net.norm, net.permute)  # to channels first
    return _parts([*net.features, last], net.head.in_features)


def _maxvit(net: Any) -> NetworkParts:
    norm = nn.Sequential(net.classifier[1], net.classifier[2])  # flattened by the first
    return _parts([net.stem, *net.blocks], net.classifier[3].in_features, norm)


_FAMILIES: Final[Mapping[str, Callable[[Any], NetworkParts]]] = {
    "AlexNet": _between_pools,
    "ConvNeXt": _convnext,
    "DenseNet": _densenet,
    "EfficientNet": _efficientnet,
    "Inception3": _inception,
    "MNASNet": _mnasnet,
    "MaxVit": _maxvit,
    "MobileNetV2": _efficientnet,
    "MobileNetV3": _mobilenet_v3,
    "RegNet": _regnet,
    "ResNet": _resnet,
    "ShuffleNetV2": _shufflenet,
    "SqueezeNet": _between_pools,
    "SwinTransformer": _swin,
    "VGG": _between_pools,
}
