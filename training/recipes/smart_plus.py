"""Candidates for the best recipe: mined classes whose neighbours cost no pass over the training set.

The parts and their settings are a guess from trials; `python -m benchmarks methods` is what decides.
"""

from dataclasses import replace

from training.config import ControllerConfig, LossConfig, OptimizerConfig, SamplerConfig, TrainConfig
from training.recipes.benchmark_sets import cub
from training.recipes.emoji import emoji
from training.recipes.photos import photos

__all__ = ["cub_smart_plus", "emoji_smart_plus", "photos_smart_plus"]


def emoji_smart_plus() -> TrainConfig:
    """Return a candidate for emoji: as `emoji`, with neighbours from the bank, so twice the steps at one cost."""
    recipe = emoji()
    return replace(_smart_plus(recipe), recipe="emoji-smart-plus", epochs=2 * recipe.epochs)


def photos_smart_plus() -> TrainConfig:
    """Return a candidate for anybody's pictures: as `photos`, with neighbours from the bank."""
    return replace(_smart_plus(photos()), recipe="photos-smart-plus")


def cub_smart_plus() -> TrainConfig:
    """Return a candidate for CUB-like sets, for a GPU: mined classes from the bank, all pairs of them."""
    base = cub()
    return replace(
        base,
        recipe="cub-smart-plus",
        loss=LossConfig(pair="multi_similarity"),
        sampler=SamplerConfig(
            kind="classes",
            batch_size=128,
            per_class=4,
            list_length=10,
            mined_share=0.3,
            random_epochs=1,
            embeddings="bank",
        ),
        controller=ControllerConfig(target=0.35, low=0.02, high=0.9, prior_slope=1.0, error_of="mined"),
        optimizer=OptimizerConfig(
            kind="adamw", learning_rate=1e-4, weight_decay=1e-4, schedule="cosine", warmup_steps=50
        ),
    )


def _smart_plus(base: TrainConfig) -> TrainConfig:
    """Neighbours from the bank, after a random epoch that fills it; the mined classes' own share is steered."""
    return replace(
        base,
        sampler=replace(base.sampler, embeddings="bank", random_epochs=1),
        controller=replace(base.controller, error_of="mined"),
    )
