"""The data sets that papers report on: the paper's method, for a GPU."""

from dataclasses import replace

from smserve.images import ResizeRule
from training.config import ControllerConfig, ModelConfig, SamplerConfig, TrainConfig

__all__ = ["cars196", "cub", "inshop", "sop"]


def cub() -> TrainConfig:
    """Return the paper's method for CUB-200-2011, as printed.

    Printed: GoogLeNet, D = 64, head rate x10, lr 0.1 halved every 3 epochs, weight decay 5e-4, at most 20 epochs,
    margins 0.2 and 0.01, two random epochs, a neighbour graph of 98 % successful walks, a constant target. Our choices
    where it is silent: SGD with momentum 0.9, 64 triplets a batch, 10 an anchor, lists of 200, frozen batch norm,
    256 x 256 with a crop of 224, and 0.5 of the printed range of targets.
    """
    return TrainConfig(
        recipe="cub",
        resize=ResizeRule(mode="squash", size=256, height=224, width=224, decoding="reduced"),
        model=ModelConfig(backbone="googlenet", dimension=64),
        epochs=20,
        sampler=SamplerConfig(kind="triplets", batch_size=64, per_anchor=10, list_length=200, neighbours="graph"),
        controller=ControllerConfig(target=0.5),
    )


def cars196() -> TrainConfig:
    """Return the paper's method for Cars196, as printed: that of CUB."""
    return replace(cub(), recipe="cars196")


def sop() -> TrainConfig:
    """Return the paper's method for Stanford Online Products: lists of 100, two triplets an anchor, K to 1,000.

    Its classes have about five pictures, and its training set ten times as many as CUB's; the paper has no settings for
    it. Neighbours are searched exactly.
    """
    base = cub()
    sampler = replace(base.sampler, per_anchor=2, list_length=100, neighbours="exact")
    return replace(base, recipe="sop", sampler=sampler, recall_at=(1, 10, 100, 1000))


def inshop() -> TrainConfig:
    """Return the paper's method for In-Shop Clothes Retrieval: that of SOP, with five triplets an anchor, K to 50."""
    base = sop()
    sampler = replace(base.sampler, per_anchor=5)
    return replace(base, recipe="inshop", sampler=sampler, recall_at=(1, 10, 20, 30, 40, 50))
