"""The built-in pictures: the demo's recipe, and the paper's method beside it."""

from dataclasses import replace

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

__all__ = ["emoji", "emoji_paper", "emoji_random"]

_RESIZE = ResizeRule(mode="shortest_side", size=64, height=64, width=64, decoding="reduced")
_AUGMENTATION = AugmentationConfig(
    kind="warp",
    scale=0.2,
    rotation_deg=15,
    shift=0.1,
    shear=0.1,
    brightness=0.2,
    contrast=0.3,
    saturation=0.5,
    hue=0.1,
    gray=0.1,
)


def emoji() -> TrainConfig:
    """Return smart mining of classes: batches drawn from mined neighbours, all pairs of them, plus the global loss.

    Chosen on the validation classes; docs/experiments.md has the trials.
    """
    return TrainConfig(
        recipe="emoji",
        resize=_RESIZE,
        model=ModelConfig(
            backbone="efficientnet_lite0",
            dimension=256,
            input_size=96,
            fold_batch_norm=True,
            frozen_blocks=3,
            head_init="orthogonal",
        ),
        epochs=6,
        augmentation=_AUGMENTATION,
        loss=LossConfig(pair="multi_similarity"),
        sampler=SamplerConfig(kind="classes", batch_size=96, list_length=10, mined_share=0.3, random_epochs=0),
        controller=ControllerConfig(target=0.35, low=0.02, high=0.9, prior_slope=1.0),
        optimizer=OptimizerConfig(
            kind="adamw", learning_rate=2.5e-4, weight_decay=1e-4, schedule="cosine", warmup_steps=10
        ),
    )


def emoji_random() -> TrainConfig:
    """Return the control of `emoji`: the same but for random classes in a batch, at as many embedded pictures.

    What mining's own passes over the training set cost is spent on further epochs.
    """
    recipe = emoji()
    sampler = replace(recipe.sampler, mined_share=0.0)
    return replace(recipe, recipe="emoji-random", epochs=2 * recipe.epochs, sampler=sampler)


def emoji_paper() -> TrainConfig:
    """Return the paper's method on emoji: mined triplets, ratio and global loss, adaptive controller; at 64 pixels.

    Every run of its family embeds the same number of pictures, those of mining's own passes included. The paper's
    learning rate, 0.1, is for another network; this one was chosen on the validation classes.
    """
    return TrainConfig(
        recipe="emoji-paper",
        resize=_RESIZE,
        model=replace(emoji().model, dimension=128, input_size=None),
        epochs=20,
        max_pictures=30_000,
        augmentation=_AUGMENTATION,
        sampler=SamplerConfig(
            kind="triplets", batch_size=32, per_anchor=1, list_length=200, random_epochs=1, neighbours="graph"
        ),
        controller=ControllerConfig(target=0.5),
        optimizer=OptimizerConfig(kind="sgd", learning_rate=0.003, schedule="cosine", warmup_steps=10),
    )
