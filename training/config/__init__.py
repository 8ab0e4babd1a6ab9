"""Every setting of a run: frozen, typed, checked once. A recipe is a function that returns a `TrainConfig`."""

from training.config.parts import (
    AugmentationConfig,
    ControllerConfig,
    LossConfig,
    ModelConfig,
    OptimizerConfig,
    SamplerConfig,
)
from training.config.run import TrainConfig

__all__ = [
    "AugmentationConfig",
    "ControllerConfig",
    "LossConfig",
    "ModelConfig",
    "OptimizerConfig",
    "SamplerConfig",
    "TrainConfig",
]
