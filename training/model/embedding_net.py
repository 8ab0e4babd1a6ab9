"""From uint8 pixels to unit vectors, in one module: what is trained is what is exported."""

from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from smserve.errors import InvalidInput
from training.config import ModelConfig
from training.model.backbone import Backbone, keep_statistics
from training.model.registry import BACKBONES

__all__ = ["EmbeddingNet", "build_model"]


class EmbeddingNet(nn.Module):
    """Backbone, head and L2 norm.

    Attributes:
        backbone: Pooled features.
        head: A linear layer to D; an identity for the backbone's own features.
    """

    def __init__(self, backbone: Backbone, head: nn.Module, config: ModelConfig) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head
        self._config = config
        self.register_buffer("mean", torch.tensor(backbone.mean).view(1, 3, 1, 1) * 255)
        self.register_buffer("scale", 1 / (torch.tensor(backbone.std).view(1, 3, 1, 1) * 255))

    def forward(self, pixels: Tensor) -> Tensor:
        """Return (N, D) float32 of unit norm for (N, H, W, 3) uint8."""
        images = pixels.permute(0, 3, 1, 2).float()  # (N, 3, H, W); channels last in memory
        images = (images - self.get_buffer("mean")) * self.get_buffer("scale")
        if self._config.input_size is not None:
            size = (self._config.input_size, self._config.input_size)
            images = F.interpolate(images, size=size, mode="bilinear", align_corners=False)
        return F.normalize(self.head(self.backbone(images)), dim=1)

    def train(self, mode: bool = True) -> Self:
        """Switch to training mode; frozen batch norms keep their statistics."""
        super().train(mode)
        if mode and self._config.freeze_batch_norm:
            keep_statistics(self.backbone)
        return self


def build_model(config: ModelConfig, *, with_head: bool = True) -> EmbeddingNet:
    """Return the network of a config; without head, the backbone's pooled features as they are.

    Draws the head's weights from torch's global generator.

    Raises:
        InvalidInput: The backbone is unknown or can't do what the config asks.
        SmserveError: Weights can't be had.
    """
    if config.backbone not in BACKBONES:
        raise InvalidInput(
            f"backbone is {config.backbone!r}; wanted one of {', '.join(BACKBONES)}", field="model.backbone"
        )
    backbone = BACKBONES[config.backbone](config.weights)
    if config.fold_batch_norm:
        backbone.fold_batch_norm()
    backbone.freeze_stages(config.frozen_blocks + 1 if config.frozen_blocks else 0)
    head: nn.Module = nn.Identity()
    if with_head:
        head = nn.Linear(backbone.width, config.dimension)
        if config.head_init == "orthogonal":
            nn.init.orthogonal_(head.weight)
            nn.init.zeros_(head.bias)
    return EmbeddingNet(backbone, head, config).to(memory_format=torch.channels_last)
