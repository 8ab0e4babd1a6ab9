"""The paper's recipe on CUB-200-2011."""

from smserve.images import ResizeRule
from training.config import ControllerConfig, ModelConfig, SamplerConfig, TrainConfig

__all__ = ["cub"]


def cub() -> TrainConfig:
    """Return the paper's triplet + mining + global + adaptive (ICCV 2017, sections 4 and 5), with exact neighbours.

    Printed there: GoogLeNet, D = 64, the head's rate x10, lr 0.1 halved every 3 epochs, weight decay 5e-4, at most
    20 epochs, margins 0.2 and 0.01, two random epochs, a constant target. Our choices where it is silent: SGD with
    momentum 0.9, 64 triplets a batch, 10 an anchor, lists of 200, frozen batch norm, 256 x 256 with a crop of 224.
    """
    return TrainConfig(
        recipe="cub",
        resize=ResizeRule(mode="squash", size=256, height=224, width=224),
        model=ModelConfig(backbone="googlenet", dimension=64),
        epochs=20,
        sampler=SamplerConfig(kind="triplets", batch_size=64, per_anchor=10, list_length=200),
        controller=ControllerConfig(target=0.5),
    )
