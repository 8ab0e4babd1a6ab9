"""A run that takes seconds: a small backbone, and pictures whose class is a hue among distractions."""

import colorsys
from pathlib import Path

import numpy as np
import torch.nn.functional as F
from PIL import Image, ImageDraw
from torch import Tensor, nn

from smserve.images import ResizeRule
from training.config import (
    AugmentationConfig,
    ControllerConfig,
    LossConfig,
    ModelConfig,
    OptimizerConfig,
    SamplerConfig,
    TrainConfig,
)
from training.datasets import Dataset, load_dataset
from training.model import Backbone
from training.model.folding import fold_pair
from training.model.weights import load_weights
from training.recipes import Recipe

SIDE = 20
CLASSES = 24


class TinyBackbone(Backbone):
    """Two convolutions, of random weights or those of a file."""

    width = 24
    mean = (0.5, 0.5, 0.5)
    std = (0.5, 0.5, 0.5)

    def __init__(self, weights: str) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 16, 3, 2, 1, bias=False)
        self.norm = nn.BatchNorm2d(16)
        self.second = nn.Conv2d(16, self.width, 3, 2, 1)
        self.drop = nn.Dropout(0.05)  # draws from torch's global generator, as EfficientNet's blocks do
        if weights not in {"pretrained", "none"}:
            load_weights(self, Path(weights))

    def forward(self, images: Tensor) -> Tensor:
        features: Tensor = self.drop(self.feature_map(images).mean((2, 3)))
        return features

    def feature_map(self, images: Tensor) -> Tensor:
        x = F.relu(self.norm(self.first(images)))  # (N, 16, H / 2, W / 2)
        return F.relu(self.second(x))

    def stages(self) -> list[nn.Module]:
        return [nn.ModuleList([self.first, self.norm]), self.second]

    def fold_batch_norm(self) -> None:
        fold_pair(self, "first", "norm")


def draw_hue(number: int, seed: int) -> Image.Image:
    """A disc of the class's hue, of any lightness, on a ground of any colour."""
    random = np.random.default_rng([number, seed])
    image = Image.new("RGB", (SIDE, SIDE), tuple(int(value) for value in random.integers(0, 256, 3)))
    hue, saturation, value = number / CLASSES, random.uniform(0.6, 1), random.uniform(0.5, 1)
    fill = tuple(int(255 * channel) for channel in colorsys.hsv_to_rgb(hue, saturation, value))
    left, top = (int(place) for place in random.integers(0, 6, 2))
    ImageDraw.Draw(image).ellipse((left, top, left + 13, top + 13), fill=fill)
    return image


def write_hues(root: Path, per_class: int = 8) -> Dataset:
    """Write a folder a hue below `root`, and return them as a data set: 10 classes train, 2 validate, 12 test."""
    for number in range(CLASSES):
        folder = root / f"hue-{number:02}"
        folder.mkdir(parents=True)
        for seed in range(per_class):
            draw_hue(number, seed).save(folder / f"{seed}.png")
    return load_dataset(f"folder:{root}", root.parent)


def paper_config() -> TrainConfig:
    """The paper's parts: mined triplets, ratio and global loss, controller, SGD."""
    return TrainConfig(
        recipe="tiny",
        resize=ResizeRule(size=SIDE, height=SIDE - 2, width=SIDE - 2),
        model=ModelConfig(backbone="tiny", dimension=16, freeze_batch_norm=False),
        epochs=10,
        sampler=SamplerConfig(batch_size=32, per_anchor=8, list_length=40),
        optimizer=OptimizerConfig(learning_rate=0.03, halve_every=5),
    )


def classes_config() -> TrainConfig:
    """The demo's parts: mined neighbour classes, multi-similarity loss, AdamW, a warp."""
    return TrainConfig(
        recipe="tiny-classes",
        resize=ResizeRule(size=SIDE, height=SIDE, width=SIDE),
        model=ModelConfig(backbone="tiny", dimension=16, fold_batch_norm=True, head_init="orthogonal"),
        epochs=30,
        augmentation=AugmentationConfig(kind="warp", rotation_deg=10, shift=0.05),
        loss=LossConfig(pair="multi_similarity"),
        sampler=SamplerConfig(kind="classes", batch_size=24, list_length=4, mined_share=0.3, random_epochs=0),
        controller=ControllerConfig(target=0.35, low=0.02, high=0.9, prior_slope=1.0),
        optimizer=OptimizerConfig(kind="adamw", learning_rate=0.01, schedule="cosine", warmup_steps=2),
    )


TINY_RECIPES: dict[str, Recipe] = {"tiny": Recipe.of(paper_config), "tiny-classes": Recipe.of(classes_config)}
