"""All settings of a run."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

from smserve.images import ResizeRule
from training.config.finish import FinishConfig
from training.config.guards import GuardsConfig
from training.config.limits import check_limits
from training.config.parts import (
    AugmentationConfig,
    CheckpointConfig,
    ControllerConfig,
    LossConfig,
    ModelConfig,
    OptimizerConfig,
    SamplerConfig,
)
from training.config.reading import read_settings

__all__ = ["TrainConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """A run.

    Attributes:
        recipe: Name of the function that made it.
        epochs: How many, at most.
        seed: Of everything that is drawn.
        max_pictures: The run ends with the step that brings the pictures through the network, those of mining
            included, to this number; the cosine schedule then follows the pictures. None: `epochs` alone decide.
        recall_at: Values of K that the test classes are measured at.
        precision: Of the backbone in training and mining; "auto" is "bfloat16" on CUDA and "float32" on a CPU. Head,
            distances and losses are float32, and so is what the test classes are measured by.
    """

    recipe: str
    resize: ResizeRule
    model: ModelConfig
    epochs: int = 20
    seed: int = 0
    max_pictures: int | None = None
    recall_at: tuple[int, ...] = (1, 2, 4, 8)
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    sampler: SamplerConfig = field(default_factory=SamplerConfig)
    controller: ControllerConfig = field(default_factory=ControllerConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    finish: FinishConfig = field(default_factory=FinishConfig)
    guards: GuardsConfig = field(default_factory=GuardsConfig)
    checkpoint: CheckpointConfig = field(default_factory=CheckpointConfig)

    def __post_init__(self) -> None:
        """Refuse settings that can't be run.

        Raises:
            InvalidInput: Names the setting, the value got and what was wanted.
        """
        check_limits(asdict(self))

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON holds them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> Self:
        """Read settings; an unknown name is refused.

        Raises:
            InvalidInput: A setting is unknown, missing, of another type or out of range.
        """
        config: Self = read_settings(cls, document)
        return config
