"""Mining that embeds no picture of its own, and a head fitted to the whole training set at the end.

Classes are mined from the bank of what training has embedded; the last pass takes pictures as a server shows them, and
the head is fitted to features of several depths that it leaves behind. docs/experiments.md has what
`python -m benchmarks methods` says; the benchmark sets were not measured.
"""

from dataclasses import replace

from training.config import (
    ControllerConfig,
    FinishConfig,
    LossConfig,
    OptimizerConfig,
    SamplerConfig,
    TrainConfig,
)
from training.recipes.benchmark_sets import cars196, cub, inshop, sop
from training.recipes.emoji import emoji
from training.recipes.photos import photos

__all__ = [
    "cars196_smart_plus",
    "cub_smart_plus",
    "emoji_smart_plus",
    "inshop_smart_plus",
    "photos_smart_plus",
    "sop_smart_plus",
]

_FITTED = FinishConfig(augmented=False, head="discriminant")


def emoji_smart_plus() -> TrainConfig:
    """Return `emoji` with neighbours from the bank, so twice the steps at one cost, and a fitted head."""
    recipe = emoji()
    return replace(_smart_plus(recipe), recipe="emoji-smart-plus", epochs=2 * recipe.epochs)


def photos_smart_plus() -> TrainConfig:
    """Return `photos` with neighbours from the bank and a fitted head."""
    return replace(_smart_plus(photos()), recipe="photos-smart-plus")


def cub_smart_plus() -> TrainConfig:
    """Return smart-plus for CUB, for a GPU: mined classes from the bank, all pairs of them, a fitted head."""
    return replace(_of_all_pairs(cub()), recipe="cub-smart-plus")


def cars196_smart_plus() -> TrainConfig:
    """Return smart-plus for Cars196: that of CUB."""
    return replace(_of_all_pairs(cars196()), recipe="cars196-smart-plus")


def sop_smart_plus() -> TrainConfig:
    """Return smart-plus for Stanford Online Products: that of CUB, with K to 1,000."""
    return replace(_of_all_pairs(sop()), recipe="sop-smart-plus")


def inshop_smart_plus() -> TrainConfig:
    """Return smart-plus for In-Shop Clothes Retrieval: that of CUB, with K to 50."""
    return replace(_of_all_pairs(inshop()), recipe="inshop-smart-plus")


def _smart_plus(base: TrainConfig) -> TrainConfig:
    """Neighbours from the bank, after a random epoch that fills it; the mined classes' own share is steered."""
    return replace(
        base,
        sampler=replace(base.sampler, embeddings="bank", random_epochs=1),
        controller=replace(base.controller, error_of="mined"),
        model=replace(base.model, pooling="multilevel"),
        finish=_FITTED,
    )


def _of_all_pairs(base: TrainConfig) -> TrainConfig:
    """Put batches of mined classes and the loss of all their pairs in the place of the paper's triplets."""
    return replace(
        base,
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
        model=replace(base.model, pooling="multilevel"),
        finish=_FITTED,
    )
