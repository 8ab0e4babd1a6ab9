"""Any classification network of torchvision, by its name there."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from training.model.backbone import Backbone
from training.model.torchvision_parts import take_apart
from training.model.weights import download_weights, load_weights, put_weights

__all__ = ["TorchvisionBackbone", "TorchvisionTransformer", "torchvision_backbone", "torchvision_names"]


def torchvision_names() -> list[str]:
    """Return the names of torchvision's classification networks."""
    from torchvision import models

    return list(models.list_models(module=models))


def torchvision_backbone(name: str, weights: str) -> Backbone:
    """Return a network of `torchvision_names`.

    Args:
        name: As torchvision has it.
        weights: "pretrained" for the newest ImageNet weights that torchvision publishes, "none", or a path.

    Raises:
        SmserveError: The weights can't be had.
    """
    from torchvision import models

    published = models.get_model_weights(name).DEFAULT
    preset = published.transforms()
    options: dict[str, Any] = {}
    if name == "inception_v3":
        options = {"init_weights": False, "aux_logits": False}  # its truncated normal takes a minute
    if name.startswith("vit_"):
        (side,) = preset.crop_size
        options = {"image_size": side}
    net = models.get_model(name, weights=None, **options)
    backbone: Backbone = (TorchvisionTransformer if name.startswith("vit_") else TorchvisionBackbone)(net)
    _leave_out_unused(net, backbone)
    if weights == "pretrained":
        put_weights(net, download_weights(published.url, name), published.url)
    elif weights != "none":
        load_weights(net, Path(weights))
    # Inception's weights come from TensorFlow and want [-1, 1], which its `transform_input` makes of the usual.
    centred = name == "inception_v3"
    backbone.mean = (0.5, 0.5, 0.5) if centred else tuple(preset.mean)
    backbone.std = (0.5, 0.5, 0.5) if centred else tuple(preset.std)
    (backbone.usual_size,) = preset.crop_size
    return backbone


class TorchvisionBackbone(Backbone):
    """A network that makes a map: mean-pooled, and normalised after it where the network was trained so."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        parts = take_apart(net)
        self.trunk = nn.Sequential(*parts.stages)
        self.norm = parts.norm
        self.width = parts.width

    def forward(self, images: Tensor) -> Tensor:
        """Return (N, width)."""
        features: Tensor = self.norm(self.feature_map(images).mean((2, 3), keepdim=True))
        return features

    def feature_map(self, images: Tensor) -> Tensor:
        """Return (N, width, h, w)."""
        found: Tensor = self.trunk(images)
        return found

    def stages(self) -> list[nn.Module]:
        """Return the stem and each block."""
        return list(self.trunk)


class TorchvisionTransformer(Backbone):
    """A vision transformer: its own features are the class token's; its map is the tokens of the patches."""

    def __init__(self, net: Any) -> None:
        super().__init__()
        net.heads = nn.Identity()
        self.net = net
        self.width = net.hidden_dim

    def forward(self, images: Tensor) -> Tensor:
        """Return (N, width)."""
        return self._tokens(images)[:, 0]

    def feature_map(self, images: Tensor) -> Tensor:
        """Return (N, width, patches, 1)."""
        return self._tokens(images)[:, 1:].transpose(1, 2).unsqueeze(3)

    def stages(self) -> list[nn.Module]:
        """Return the projection of the patches and the layers."""
        return [self.net.conv_proj, *self.net.encoder.layers]

    def _tokens(self, images: Tensor) -> Tensor:
        patches = self.net._process_input(images)  # (N, L, C)  # noqa: SLF001 - torchvision has no public name for it
        # Not len(images), which a traced graph takes for a constant.
        first = self.net.class_token.expand(images.shape[0], -1, -1)  # (N, 1, C)
        tokens: Tensor = self.net.encoder(torch.cat([first, patches], dim=1))  # (N, 1 + L, C)
        return tokens


def _leave_out_unused(net: nn.Module, backbone: nn.Module) -> None:
    """Put an identity in the place of what `backbone` does not use of `net`, the classifier above all."""
    used = {id(weight) for weight in backbone.parameters()}
    for owner in list(net.modules()):
        for name, child in list(owner.named_children()):
            weights = [id(weight) for weight in child.parameters()]
            if weights and used.isdisjoint(weights):
                setattr(owner, name, nn.Identity())
