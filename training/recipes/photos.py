"""Anybody's pictures, in folders or a CSV file."""

from smserve.images import ResizeRule
from training.config import ControllerConfig, LossConfig, ModelConfig, OptimizerConfig, SamplerConfig, TrainConfig

__all__ = ["photos"]


def photos() -> TrainConfig:
    """Return a recipe that runs on a CPU: EfficientNet-Lite0 at 128 pixels, batches from mined neighbour classes."""
    return TrainConfig(
        recipe="photos",
        resize=ResizeRule(mode="squash", size=144, height=128, width=128, decoding="reduced"),
        model=ModelConfig(
            backbone="efficientnet_lite0", dimension=128, fold_batch_norm=True, frozen_blocks=3, head_init="orthogonal"
        ),
        epochs=6,
        loss=LossConfig(pair="multi_similarity"),
        sampler=SamplerConfig(
            kind="classes", batch_size=64, per_class=4, list_length=10, mined_share=0.3, random_epochs=1
        ),
        controller=ControllerConfig(target=0.35, low=0.02, high=0.9, prior_slope=1.0),
        optimizer=OptimizerConfig(
            kind="adamw", learning_rate=2.5e-4, weight_decay=1e-4, schedule="cosine", warmup_steps=10
        ),
    )
