"""Every setting of a run: frozen, typed, checked once. A recipe is a function that returns a `TrainConfig`."""

from training.config.file import read_config_file
from training.config.finish import FinishConfig
from training.config.guards import GuardsConfig
from training.config.overrides import override, setting_choices, setting_names
from training.config.parts import (
    AugmentationConfig,
    CheckpointConfig,
    ControllerConfig,
    LossConfig,
    ModelConfig,
    OptimizerConfig,
    SamplerConfig,
)
from training.config.run import TrainConfig

__all__ = [
    "AugmentationConfig",
    "CheckpointConfig",
    "ControllerConfig",
    "FinishConfig",
    "GuardsConfig",
    "LossConfig",
    "ModelConfig",
    "OptimizerConfig",
    "SamplerConfig",
    "TrainConfig",
    "override",
    "read_config_file",
    "setting_choices",
    "setting_names",
]
