"""What each setting may be."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from smserve.errors import InvalidInput

__all__ = ["check_limits"]

Limit = tuple[Callable[[Any], bool], str]

_POSITIVE: Final[Limit] = (lambda value: value > 0, "above 0")
_NOT_NEGATIVE: Final[Limit] = (lambda value: value >= 0, "at least 0")
_FROM_ONE: Final[Limit] = (lambda value: value >= 1, "at least 1")
_SHARE: Final[Limit] = (lambda value: 0 <= value <= 1, "0 to 1")
_BELOW_ONE: Final[Limit] = (lambda value: 0 <= value < 1, "at least 0 and below 1")
_COSINE: Final[Limit] = (lambda value: -1 < value < 1, "between -1 and 1")
_DISTANCE: Final[Limit] = (lambda value: 0 < value < 2, "above 0 and below 2, the largest distance of unit vectors")

_LIMITS: Final[Mapping[str, Limit]] = {
    "epochs": _FROM_ONE,
    "seed": _NOT_NEGATIVE,
    "max_pictures": (lambda value: value is None or value >= 1, "at least 1, or none"),
    "recall_at": (lambda value: len(value) > 0 and min(value) >= 1, "whole numbers from 1"),
    "model.dimension": (lambda value: 1 <= value <= 4096, "1 to 4096"),
    "model.gem_power": (lambda value: 0 < value <= 10, "above 0 and at most 10, whose powers float32 still holds"),
    "model.input_size": (lambda value: value is None or value >= 1, "at least 1, or none"),
    "model.frozen_blocks": _NOT_NEGATIVE,
    "augmentation.flip": _SHARE,
    "augmentation.scale": _NOT_NEGATIVE,
    "augmentation.rotation_deg": _NOT_NEGATIVE,
    "augmentation.shift": _NOT_NEGATIVE,
    "augmentation.shear": _NOT_NEGATIVE,
    "augmentation.brightness": _BELOW_ONE,
    "augmentation.contrast": _BELOW_ONE,
    "augmentation.saturation": _SHARE,
    "augmentation.hue": _SHARE,
    "augmentation.gray": _SHARE,
    "loss.ratio_margin": _POSITIVE,
    "loss.global_weight": _NOT_NEGATIVE,
    "loss.global_lambda": _NOT_NEGATIVE,
    "loss.margin": _POSITIVE,
    "loss.similarity_alpha": _POSITIVE,
    "loss.similarity_beta": _POSITIVE,
    "loss.similarity_base": _COSINE,
    "loss.similarity_epsilon": _NOT_NEGATIVE,
    "loss.boundary": _DISTANCE,
    "loss.boundary_nu": _NOT_NEGATIVE,
    "loss.sampling_nearest": _DISTANCE,
    "loss.proxy_alpha": _POSITIVE,
    "loss.proxy_delta": _BELOW_ONE,
    "loss.memory_size": (lambda value: value >= 2, "at least 2"),
    "loss.memory_start": _NOT_NEGATIVE,
    "loss.contrastive_margin": _COSINE,
    "loss.parameter_factor": _POSITIVE,
    "sampler.batch_size": (lambda value: value >= 2, "at least 2"),
    "sampler.per_anchor": _FROM_ONE,
    "sampler.anchor_share": (lambda value: 0 < value <= 1, "above 0 and at most 1"),
    "sampler.per_class": (lambda value: value >= 2, "at least 2"),
    "sampler.list_length": _FROM_ONE,
    "sampler.mined_share": _SHARE,
    "sampler.random_epochs": _NOT_NEGATIVE,
    "sampler.graph_success": (lambda value: 0 < value <= 1, "above 0 and at most 1"),
    "controller.target": (lambda value: 0 < value < 1, "between 0 and 1"),
    "controller.low": _POSITIVE,
    "controller.held_out_share": (lambda value: 0 < value < 1, "between 0 and 1"),
    "controller.prior_slope": (lambda value: value != 0, "other than 0"),
    "controller.ridge": _NOT_NEGATIVE,
    "controller.window": _FROM_ONE,
    "controller.step_factor": _FROM_ONE,
    "optimizer.learning_rate": _POSITIVE,
    "optimizer.head_factor": _POSITIVE,
    "optimizer.weight_decay": _NOT_NEGATIVE,
    "optimizer.halve_every": _FROM_ONE,
    "optimizer.warmup_steps": _NOT_NEGATIVE,
    "finish.shrinkage": _NOT_NEGATIVE,
    "guards.cosine": (lambda value: 0 < value <= 1, "above 0 and at most 1"),
    "guards.steps": _FROM_ONE,
    "guards.active_share": (lambda value: 0 < value <= 1, "above 0 and at most 1"),
    "guards.epochs": _FROM_ONE,
    "checkpoint.every_s": _NOT_NEGATIVE,
    "checkpoint.every_steps": (lambda value: value is None or value >= 1, "at least 1, or none"),
    "checkpoint.keep": _FROM_ONE,
}


def check_limits(settings: Mapping[str, Any]) -> None:
    """Refuse settings, as nested dictionaries, that can't be run.

    Raises:
        InvalidInput: Names the setting, the value got and what was wanted.
    """
    for name, (good, wanted) in _LIMITS.items():
        value: Any = settings
        for part in name.split("."):
            value = value[part]
        if not good(value):
            raise _refused(name, value, wanted)
    model = settings["model"]
    if model["fold_batch_norm"] and not model["freeze_batch_norm"]:
        raise _refused("model.fold_batch_norm", True, "false where model.freeze_batch_norm is false")
    _check_controller(settings["controller"])
    _check_error_of(settings)
    _check_batch(settings["sampler"], settings["loss"])
    _check_loss(settings["sampler"], settings["loss"])
    _check_validation_error(settings)
    _check_finish(settings)


def _check_controller(controller: Mapping[str, Any]) -> None:
    low, high, start = controller["low"], controller["high"], controller["start"]
    if high < low:
        raise _refused("controller.high", high, f"at least controller.low, {low}")
    if start is not None and not low <= start <= high:
        raise _refused("controller.start", start, f"controller.low to controller.high, {low} to {high}, or none")
    kind, schedule = controller["kind"], list(controller["schedule"])
    if kind != "schedule":
        if schedule:
            raise _refused(
                "controller.schedule", schedule, f'none with controller.kind "{kind}", which has no use for it'
            )
        return
    if not schedule or not all(low <= value <= high for value in schedule):
        raise _refused("controller.schedule", schedule, f"one or more of controller.low to high, {low} to {high}")
    if start is not None:
        raise _refused("controller.start", start, "none with a schedule, which says the first difficulty")


def _check_error_of(settings: Mapping[str, Any]) -> None:
    """Mined ones are told apart where a loss says which triplet or pair costs something."""
    kind, pair = settings["sampler"]["kind"], settings["loss"]["pair"]
    told_apart = pair == "triplet_ratio" or (kind == "classes" and pair == "multi_similarity")
    if settings["controller"]["error_of"] == "mined" and not told_apart:
        wanted = (
            f'"all" with sampler.kind "{kind}" and loss.pair "{pair}", where nobody knows which active triplets '
            f"were mined"
        )
        raise _refused("controller.error_of", "mined", wanted)


def _check_validation_error(settings: Mapping[str, Any]) -> None:
    """Its target is a share of mined triplets."""
    if settings["controller"]["kind"] != "validation_error":
        return
    if settings["sampler"]["embeddings"] == "bank":
        wanted = 'pass with controller.kind "validation_error", which embeds all pictures after each epoch anyway'
        raise _refused("sampler.embeddings", "bank", wanted)
    got = (settings["sampler"]["kind"], settings["loss"]["pair"])
    if got != ("triplets", "triplet_ratio"):
        wanted = f'sampler.kind "triplets" and loss.pair "triplet_ratio" beside it, not "{got[0]}" and "{got[1]}"'
        raise _refused("controller.kind", "validation_error", wanted)


def _check_finish(settings: Mapping[str, Any]) -> None:
    """With a budget, passes of mining could take the place of the last pass."""
    sampler = settings["sampler"]
    passes = sampler["embeddings"] == "pass" and sampler["mined_share"] > 0
    head = settings["finish"]["head"]
    if head != "trained" and settings["max_pictures"] is not None and passes:
        raise _refused("finish.head", head, "trained with max_pictures, or sampler.embeddings bank beside it")
    if settings["model"]["pooling"] == "multilevel" and head == "trained":
        raise _refused("model.pooling", "multilevel", 'another, or finish.head "discriminant", which alone uses levels')


def _check_loss(sampler: Mapping[str, Any], loss: Mapping[str, Any]) -> None:
    nearest, farthest = loss["sampling_nearest"], loss["sampling_farthest"]
    if not nearest < farthest <= 2:
        raise _refused("loss.sampling_farthest", farthest, f"above loss.sampling_nearest, {nearest}, and at most 2")
    pictures = sampler["batch_size"] * (3 if sampler["kind"] == "triplets" else 1)  # at most
    if loss["pair"] == "cross_batch_memory" and loss["memory_size"] < pictures:
        raise _refused("loss.memory_size", loss["memory_size"], f"at least the pictures of a batch, up to {pictures}")
    if loss["pair"] == "semi_hard" and pictures > 768:
        wanted = f"at most {768 * sampler['batch_size'] // pictures}, since semi-hard triplets take memory with its "
        raise _refused("sampler.batch_size", sampler["batch_size"], f"{wanted}third power")


def _check_batch(sampler: Mapping[str, Any], loss: Mapping[str, Any]) -> None:
    if sampler["kind"] != "classes":
        return
    size, per_class = sampler["batch_size"], sampler["per_class"]
    if size <= per_class:
        raise _refused("sampler.batch_size", size, f"more than sampler.per_class, {per_class}, so that classes meet")
    if loss["pair"] == "triplet_ratio" and size > 256:
        wanted = "at most 256, since all triplets of a batch of classes take memory with its third power"
        raise _refused("sampler.batch_size", size, wanted)


def _refused(name: str, value: Any, wanted: str) -> InvalidInput:
    return InvalidInput(f"setting {name} is {value}; wanted {wanted}", field=name)
