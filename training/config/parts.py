"""The settings of each part of a run, with the paper's values as defaults where it prints them."""

from dataclasses import dataclass
from typing import Literal

__all__ = [
    "AugmentationConfig",
    "CheckpointConfig",
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
        backbone: "efficientnet_lite0", "googlenet", any classification network of torchvision ("resnet50",
            "torchvision:resnet50"), or any of timm ("timm:resnet50.a1_in1k"), which needs the `timm` extra.
        weights: "pretrained" for the backbone's own published weights, "none", or the path of a state dict.
        dimension: D.
        pooling: Of the feature map: "own" as the network was trained (the mean; a transformer's class token), "mean",
            "max", "both" side by side, or "gem", the generalised mean. "multilevel" keeps the own
            one for the loss, and gives a fitted head (`finish.head`) mean and maximum of the last five maps of another
            shape, too.
        gem_power: p of "gem": 1 is the mean, larger nears the maximum.
        input_size: Pixels (a side) that the pictures are enlarged to inside the network; None leaves them as they come.
        freeze_batch_norm: Keep running statistics and let them normalise, in training too.
        fold_batch_norm: With frozen statistics, merge them into the convolutions before training: the same function,
            fewer steps. What no convolution stands before stays; where the function would change, it is refused.
        frozen_blocks: The stem and this many first blocks stay as they are.
        head_init: "default" (PyTorch's) or "orthogonal".
    """

    backbone: str
    weights: str = "pretrained"
    dimension: int = 64
    pooling: Literal["own", "mean", "max", "both", "gem", "multilevel"] = "own"
    gem_power: float = 3.0
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
    """The objective: `pair` plus `global_weight` times the global loss. Defaults are those that were published.

    Attributes:
        pair: "triplet_ratio" (equation 2) on the batch's triplets; or, on all pictures of a batch, "multi_similarity",
            or one of the baselines, which need the `bench` extra: "semi_hard", "batch_hard", "margin" (with
            distance-weighted sampling), "proxy_anchor", "cross_batch_memory".
        ratio_margin: m of equation 2.
        global_weight: w; 0 leaves the global loss (equation 3) out.
        global_margin: t of equation 3.
        global_lambda: Weight of the means against the variances.
        margin: Of "semi_hard" (squared distances), "batch_hard" and "margin" (distances).
        similarity_alpha: Of "multi_similarity": weight of positive pairs; larger attends to the hardest alone.
        similarity_beta: The same of negative pairs.
        similarity_base: Cosine that separates the two kinds.
        similarity_epsilon: Slack of its mining, in cosine.
        boundary: Of "margin": first value of its learned beta, the distance between positives and negatives.
        boundary_per_class: One beta a class instead of one for all.
        boundary_nu: Weight of beta in the loss.
        sampling_nearest: Of "margin": nearer negatives are drawn as if they were this far.
        sampling_farthest: Negatives from this distance on are not drawn.
        proxy_alpha: Scale of "proxy_anchor".
        proxy_delta: Its margin, in cosine.
        memory_size: Embeddings that "cross_batch_memory" remembers; its paper takes half to all of a training set.
        memory_loss: The loss between the batch and the memory.
        memory_start: Steps without the memory, while embeddings move fast; its paper takes 1,000.
        contrastive_margin: Cosine above which a negative costs something in the contrastive loss.
        parameter_factor: Learning rate of what a loss learns (proxies, beta) in units of the backbone's.
    """

    pair: Literal[
        "triplet_ratio",
        "multi_similarity",
        "semi_hard",
        "batch_hard",
        "margin",
        "proxy_anchor",
        "cross_batch_memory",
    ] = "triplet_ratio"
    ratio_margin: float = 0.2
    global_weight: float = 1.0
    global_margin: float = 0.01
    global_lambda: float = 0.8
    margin: float = 0.2
    similarity_alpha: float = 2.0
    similarity_beta: float = 40.0
    similarity_base: float = 0.5
    similarity_epsilon: float = 0.1
    boundary: float = 1.2
    boundary_per_class: bool = False
    boundary_nu: float = 0.0
    sampling_nearest: float = 0.5
    sampling_farthest: float = 1.4
    proxy_alpha: float = 32.0
    proxy_delta: float = 0.1
    memory_size: int = 1024
    memory_loss: Literal["contrastive", "multi_similarity"] = "contrastive"
    memory_start: int = 0
    contrastive_margin: float = 0.5
    parameter_factor: float = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplerConfig:
    """Which pictures meet in a batch.

    Attributes:
        kind: "triplets": random ones, mined ones from `random_epochs` on (the paper's). "classes": whole classes, drawn
            from the neighbours of those already in the batch with the controller's probability; all their triplets.
        batch_size: Triplets, or pictures.
        per_anchor: Triplets an anchor and epoch.
        anchor_share: Share of the pictures that are anchors in an epoch, drawn anew for each; less than 1 mines more
            often.
        per_class: K: at most this many pictures of a class in a batch of classes.
        list_length: |S_i|, or the number of neighbour classes listed.
        mined_share: Share of a batch of triplets that is mined; the rest random.
        random_epochs: First epochs without mining.
        neighbours: "exact" search, or an approximate neighbour "graph", as the paper has it (section 3.2).
        graph_success: Share of random greedy walks over the graph that must arrive before it is used.
        embeddings: What neighbours are searched among: "pass" embeds the whole training set before each mined epoch;
            "bank" takes each picture's latest embedding from the batches that it was trained in, and embeds only
            pictures that were in none yet.
    """

    kind: Literal["triplets", "classes"] = "triplets"
    batch_size: int = 64
    per_anchor: int = 10
    anchor_share: float = 1.0
    per_class: int = 4
    list_length: int = 200
    mined_share: float = 1.0
    random_epochs: int = 2
    neighbours: Literal["exact", "graph"] = "exact"
    graph_success: float = 0.98
    embeddings: Literal["pass", "bank"] = "pass"


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerConfig:
    """How difficulty is steered.

    Attributes:
        kind: Where the wanted share of active triplets comes from: "constant_target" (the paper's variant B) is
            `target`, "validation_error" (variant A) the share on held-out training pictures. Or no steering: "fixed"
            keeps the first difficulty, "schedule" takes the next of `schedule`.
        target: Wanted share of active triplets, of "constant_target".
        held_out_share: Of "validation_error": share of the training pictures that are held out.
        schedule: Of "schedule": a difficulty an epoch from the first mined one on; the last one is kept.
        start: First difficulty; None takes kappa_0 from the data.
        low: Smallest difficulty.
        high: Largest difficulty.
        prior_slope: alpha_0 in units of the first difficulty.
        ridge: Weight of the prior slope in the fit, in units of the error squared.
        window: How many recent epochs are fitted.
        step_factor: Difficulty changes at most by this factor an epoch, up or down.
        error_of: Whose share of active triplets is steered: of "all" that were trained on, random ones too, or of
            "mined" ones alone; in an epoch that none was mined in, of all.
    """

    kind: Literal["validation_error", "constant_target", "fixed", "schedule"] = "constant_target"
    target: float = 0.5
    held_out_share: float = 0.1
    schedule: tuple[float, ...] = ()
    start: float | None = None
    low: float = 1.0
    high: float = 64.0
    prior_slope: float = -2.0
    ridge: float = 1e-3
    window: int = 5
    step_factor: float = 2.0
    error_of: Literal["all", "mined"] = "all"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointConfig:
    """What is kept to go on from after an interruption. It changes nothing of what comes out.

    Attributes:
        every_s: Seconds of training after which a checkpoint is written in the midst of an epoch; each end of an epoch
            has one too.
        every_steps: Steps after which one is written as well; None: seconds alone decide.
        keep: How many are kept, the latest ones; beside them the best on the validation classes.
    """

    every_s: float = 300.0
    every_steps: int | None = None
    keep: int = 3
