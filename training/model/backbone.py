"""What a backbone must offer."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from training.model.folding import fold_neighbours

__all__ = ["Backbone", "keep_statistics"]


class Backbone(nn.Module, ABC):
    """Normalised pictures to pooled features.

    Attributes:
        width: Number of features.
        mean: Of each channel, in [0, 1], subtracted before the first layer.
        std: Of each channel, divided by.
        usual_size: Pixels (a side) of the pictures that its published weights were trained on.
    """

    width: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    usual_size: int = 224

    @property
    def map_width(self) -> int:
        """Number of channels of the feature map."""
        return self.width

    @abstractmethod
    def forward(self, images: Tensor) -> Tensor:
        """Return features (N, width), pooled as the network was trained, of normalised pictures (N, 3, H, W)."""

    @abstractmethod
    def feature_map(self, images: Tensor) -> Tensor:
        """Return what the last block gives, (N, map_width, h, w), of normalised pictures (N, 3, H, W)."""

    @abstractmethod
    def stages(self) -> list[nn.Module]:
        """Return the stem and then each block, in the order in which a picture passes them."""

    def fold_batch_norm(self) -> None:
        """Merge batch norms, with their running statistics, into the convolutions before them, in place.

        Those that no convolution stands before stay.

        Raises:
            InvalidInput: The network would compute something else.
        """
        fold_neighbours(self, self.usual_size)

    def freeze_stages(self, count: int) -> None:
        """Keep the first `count` stages as they are, in training too."""
        for stage in self.stages()[:count]:
            stage.requires_grad_(False)


def keep_statistics(module: nn.Module) -> None:
    """Put every batch norm of a module into evaluation mode, so that running statistics normalise and stay."""
    for child in module.modules():
        if isinstance(child, nn.BatchNorm2d):
            child.eval()
