"""From uint8 pixels to unit vectors, in one module: what is trained is what is exported."""

from collections.abc import Sequence
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from smserve.errors import InvalidInput
from training.config import ModelConfig
from training.model.backbone import Backbone, keep_statistics
from training.model.levels import Levels, MultilevelHead
from training.model.pooling import Pooling
from training.model.registry import find_backbone

__all__ = ["EmbeddingNet", "build_model", "check_picture_size"]


class EmbeddingNet(nn.Module):
    """Backbone, pooling, head and L2 norm.

    Attributes:
        backbone: Pooled features, or the feature map that `pooling` takes.
        pooling: None for the backbone's own.
        levels: Features of earlier maps beside the backbone's own; None for none.
        head: A linear layer to D; an identity for the backbone's own features.
    """

    def __init__(
        self,
        backbone: Backbone,
        head: nn.Module,
        config: ModelConfig,
        *,
        pooling: Pooling | None = None,
        levels: Levels | None = None,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.pooling = pooling
        self.levels = levels
        self.head = head
        self._config = config
        self.register_buffer("mean", torch.tensor(backbone.mean).view(1, 3, 1, 1) * 255)
        self.register_buffer("scale", 1 / (torch.tensor(backbone.std).view(1, 3, 1, 1) * 255))

    def forward(self, pixels: Tensor) -> Tensor:
        """Return (N, D) float32 of unit norm for (N, H, W, 3) uint8, or for what `normalise` made of them."""
        images = self.normalise(pixels) if pixels.dtype == torch.uint8 else pixels
        features = self._features(images)
        if not torch.is_autocast_enabled(images.device.type):
            return F.normalize(self.head(*features), dim=1)
        with torch.autocast(images.device.type, enabled=False):  # distances need all digits
            return F.normalize(self.head(*(part.float() for part in features)), dim=1)

    def _features(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return what the head takes: features (N, C), and with levels theirs beside them."""
        if self.levels is not None:
            return self.levels.features(self.backbone, images)
        if self.pooling is not None:
            return (self.pooling(self.backbone.feature_map(images)),)
        return (self.backbone(images),)

    def normalise(self, pixels: Tensor) -> Tensor:
        """Return what the backbone takes, (N, 3, H, W) float32, for (N, H, W, 3) uint8."""
        images = pixels.permute(0, 3, 1, 2).float()  # (N, 3, H, W); channels last in memory
        images = (images - self.get_buffer("mean")) * self.get_buffer("scale")
        if self._config.input_size is not None:
            size = (self._config.input_size, self._config.input_size)
            images = F.interpolate(images, size=size, mode="bilinear", align_corners=False)
        return images

    def train(self, mode: bool = True) -> Self:
        """Switch to training mode; frozen batch norms keep their statistics."""
        super().train(mode)
        if mode and self._config.freeze_batch_norm:
            keep_statistics(self.backbone)
        return self


def build_model(config: ModelConfig, *, with_head: bool = True) -> EmbeddingNet:
    """Return the network of a config; without head, the backbone's pooled features as they are, of one level.

    Draws the head's weights from torch's global generator.

    Raises:
        InvalidInput: The backbone is unknown or can't do what the config asks.
        SmserveError: Weights can't be had.
    """
    backbone = find_backbone(config.backbone)(config.weights)
    if config.fold_batch_norm:
        backbone.fold_batch_norm()
    backbone.freeze_stages(config.frozen_blocks + 1 if config.frozen_blocks else 0)
    pooling, levels, width = None, None, backbone.width
    if config.pooling == "multilevel":
        levels = Levels(backbone) if with_head else None
    elif config.pooling != "own":
        pooling = Pooling(config.pooling, config.gem_power)
        width = pooling.width(backbone.map_width)
        _freeze_unused(backbone)
    head = _begin_head(width, levels, config) if with_head else nn.Identity()
    net = EmbeddingNet(backbone, head, config, pooling=pooling, levels=levels)
    return net.to(memory_format=torch.channels_last)


def _begin_head(width: int, levels: Levels | None, config: ModelConfig) -> nn.Module:
    head = nn.Linear(width, config.dimension)
    if config.head_init == "orthogonal":
        nn.init.orthogonal_(head.weight)
        nn.init.zeros_(head.bias)
    return head if levels is None else MultilevelHead(head, levels.width)


def _freeze_unused(backbone: Backbone) -> None:
    """Take what the feature map does not come from, a last norm for example, out of training.

    Processes that train together wait for each weight's gradient; there would be none.
    """
    backbone.eval()  # draws nothing, counts nothing
    weights = [weight for weight in backbone.parameters() if weight.requires_grad]
    feature_map = backbone.feature_map(torch.zeros((1, 3, backbone.usual_size, backbone.usual_size)))
    gradients: Sequence[Tensor | None] = [None] * len(weights)
    if feature_map.requires_grad:  # else all that it comes from is frozen already
        gradients = torch.autograd.grad(feature_map.sum(), weights, allow_unused=True)
    for weight, gradient in zip(weights, gradients, strict=True):
        if gradient is None:
            weight.requires_grad_(False)
    backbone.train()


def check_picture_size(net: EmbeddingNet, config: ModelConfig, height: int, width: int) -> None:
    """Refuse a network that can't take pictures of this size; one black picture is sent through.

    Raises:
        InvalidInput: Says which size its published weights were trained on.
    """
    training = net.training
    black = torch.zeros((1, height, width, 3), dtype=torch.uint8, device=net.get_buffer("mean").device)
    try:
        with torch.no_grad():
            net.eval()(black)
    except (RuntimeError, AssertionError, ValueError) as error:  # what layers say of a size that they have no use for
        side = config.input_size
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InvalidInput(
            f"backbone {config.backbone} can't take pictures of "
            f"{f'{side} x {side}' if side else f'{height} x {width}'} pixels ({reason}); its weights were trained at "
            f"{net.backbone.usual_size}, so set model.input_size to {net.backbone.usual_size}, or enlarge resize",
            field="model.input_size",
        ) from None
    finally:
        net.train(training)
