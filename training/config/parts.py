"""The settings of each part of a run, with the paper's values as defaults where it prints them."""

from dataclasses import dataclass
from typing import Literal

__all__ = [
    "AugmentationConfig",
    "ControllerConfig",
    "LossConfig",
    "ModelConfig",
    "OptimizerConfig",
    "SamplerConfig",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """The network.

    Attributes:
        backbone: A name that `training.model` knows.
        weights: "pretrained" for the backbone's own ImageNet weights, "none", or the path of a state dict.
        dimension: D.
        input_size: Pixels (a side) that the pictures are enlarged to inside the network; None leaves them as they come.
        freeze_batch_norm: Keep running statistics and let them normalise, in training too.
        fold_batch_norm: With frozen statistics, merge them into the convolutions before training: the same function,
            fewer steps. Where the backbone can't, it is refused.
        frozen_blocks: The stem and this many first blocks stay as they are.
        head_init: "default" (PyTorch's) or "orthogonal".
    """

    backbone: str
    weights: str = "pretrained"
    dimension: int = 64
    input_size: int | None = None
    freeze_batch_norm: bool = True
    fold_batch_norm: bool = False
    frozen_blocks: int = 0
    head_init: Literal["default", "orthogonal"] = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class AugmentationConfig:
    """How pictures are varied.

    Attributes:
        kind: "crop": random crop and flip (the paper's). "warp": those, an affine warp on white, and colours.
        flip: Probability of a mirror image.
        scale: Largest change of size, as a natural logarithm.
        rotation_deg: Largest turn.
        shift: Largest shift, as a share of the side.
        shear: Largest shear and stretch.
        brightness: Largest change, as a share.
        contrast: As brightness, about white.
        saturation: As brightness.
        hue: Largest turn, as a share of the circle.
        gray: Probability of losing all colour.
    """

    kind: Literal["crop", "warp"] = "crop"
    flip: float = 0.5
    scale: float = 0.0
    rotation_deg: float = 0.0
    shift: float = 0.0
    shear: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    gray: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LossConfig:
    """The objective: `pair` plus `global_weight` times the global loss.

    Attributes:
        pair: "triplet_ratio" (equation 2) on the batch's triplets, or "multi_similarity" on all of its pairs.
        ratio_margin: m of equation 2.
        global_weight: w; 0 leaves the global loss (equation 3) out.
        global_margin: t of equation 3.
        global_lambda: Weight of the means against the variances.
    """

    pair: Literal["triplet_ratio", "multi_similarity"] = "triplet_ratio"
    ratio_margin: float = 0.2
    global_weight: float = 1.0
    global_margin: float = 0.01
    global_lambda: float = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplerConfig:
    """Which pictures meet in a batch.

    Attributes:
        kind: "triplets": random ones, mined ones from `random_epochs` on (the paper's). "classes": whole classes, drawn
            from the neighbours of those already in the batch with the controller's probability; all their triplets.
        batch_size: Triplets, or pictures.
        per_anchor: Triplets an anchor and epoch.
        per_class: K: at most this many pictures of a class in a batch of classes.
        list_length: |S_i|, or the number of neighbour classes listed.
        mined_share: Share of a batch of triplets that is mined; the rest random.
        random_epochs: First epochs without mining.
    """

    kind: Literal["triplets", "classes"] = "triplets"
    batch_size: int = 64
    per_anchor: int = 10
    per_class: int = 4
    list_length: int = 200
    mined_share: float = 1.0
    random_epochs: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerConfig:
    """How difficulty is steered.

    Attributes:
        target: Wanted share of active triplets.
        start: First difficulty; None takes kappa_0 from the data.
        low: Smallest difficulty.
        high: Largest difficulty.
        prior_slope: alpha_0 in units of the first difficulty.
        adaptive: False keeps the first difficulty.
    """

    target: float = 0.5
    start: float | None = None
    low: float = 1.0
    high: float = 64.0
    prior_slope: float = -2.0
    adaptive: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerConfig:
    """How weights move.

    Attributes:
        kind: "sgd" (momentum 0.9) or "adamw".
        learning_rate: Of the backbone.
        head_factor: The head's learning rate in units of the backbone's.
        weight_decay: Of matrices and kernels; "adamw" spares biases and scales.
        schedule: "halve": by half every `halve_every` epochs. "cosine": to zero over the run, after `warmup_steps`.
        halve_every: Epochs.
        warmup_steps: Steps of linear increase.
    """

    kind: Literal["sgd", "adamw"] = "sgd"
    learning_rate: float = 0.1
    head_factor: float = 10.0
    weight_decay: float = 5e-4
    schedule: Literal["halve", "cosine"] = "halve"
    halve_every: int = 3
    warmup_steps: int = 0
