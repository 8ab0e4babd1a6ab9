"""GoogLeNet (Inception v1), the paper's backbone, from torchvision."""

from pathlib import Path

from torch import Tensor, nn

from training.model.backbone import Backbone
from training.model.weights import download_weights, load_weights, put_weights

__all__ = ["GoogLeNet"]


class GoogLeNet(Backbone):
    """1,024 features, mean-pooled. torchvision's has batch norm, which the network of 2014 had not.

    Its weights come from TensorFlow and want pixels in [-1, 1]; torchvision's own `transform_input` undoes the usual
    normalisation to get there.
    """

    width = 1024
    mean = (0.5, 0.5, 0.5)
    std = (0.5, 0.5, 0.5)

    def __init__(self, weights: str) -> None:
        """Build it.

        Raises:
            Unavailable: torchvision can't download the weights.
            SmserveError: The file of weights can't be used.
        """
        super().__init__()
        from torchvision import models

        self.net = models.googlenet(init_weights=False, aux_logits=False)
        self.net.fc = nn.Identity()
        self.net.dropout = nn.Identity()
        if weights == "pretrained":
            url = models.GoogLeNet_Weights.IMAGENET1K_V1.url
            put_weights(self.net, download_weights(url, "GoogLeNet"), url)
        elif weights != "none":
            load_weights(self.net, Path(weights))

    def forward(self, images: Tensor) -> Tensor:
        """Return (N, 1024)."""
        features: Tensor = self.net(images)
        return features

    def feature_map(self, images: Tensor) -> Tensor:
        """Return (N, 1024, h, w)."""
        for stage in self.stages():
            images = stage(images)
        return images

    def stages(self) -> list[nn.Module]:
        """Return the layers below the pooling, in order."""
        return [child for name, child in self.net.named_children() if name not in {"avgpool", "dropout", "fc"}]
