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

_LIMITS: Final[Mapping[str, Limit]] = {
    "epochs": _FROM_ONE,
    "seed": _NOT_NEGATIVE,
    "model.dimension": (lambda value: 1 <= value <= 4096, "1 to 4096"),
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
    "sampler.batch_size": (lambda value: value >= 2, "at least 2"),
    "sampler.per_anchor": _FROM_ONE,
    "sampler.per_class": (lambda value: value >= 2, "at least 2"),
    "sampler.list_length": _FROM_ONE,
    "sampler.mined_share": _SHARE,
    "sampler.random_epochs": _NOT_NEGATIVE,
    "controller.target": (lambda value: 0 < value < 1, "between 0 and 1"),
    "controller.low": _POSITIVE,
    "controller.prior_slope": (lambda value: value != 0, "other than 0"),
    "optimizer.learning_rate": _POSITIVE,
    "optimizer.head_factor": _POSITIVE,
    "optimizer.weight_decay": _NOT_NEGATIVE,
    "optimizer.halve_every": _FROM_ONE,
    "optimizer.warmup_steps": _NOT_NEGATIVE,
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
    _check_batch(settings["sampler"], settings["loss"])


def _check_controller(controller: Mapping[str, Any]) -> None:
    low, high, start = controller["low"], controller["high"], controller["start"]
    if high < low:
        raise _refused("controller.high", high, f"at least controller.low, {low}")
    if start is not None and not low <= start <= high:
        raise _refused("controller.start", start, f"controller.low to controller.high, {low} to {high}, or none")


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
