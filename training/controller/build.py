"""From a config to its controller, at the start of mining or from a checkpoint."""

from math import isfinite
from typing import Any

from smserve.errors import DataLoss
from training.config.parts import ControllerConfig
from training.controller.adaptive import ConstantTarget, ValidationErrorTarget
from training.controller.controller import Controller, ControllerState
from training.controller.unsteered import FixedDifficulty, Schedule

__all__ = ["build_controller", "restore_controller"]


def build_controller(config: ControllerConfig, first: float) -> Controller:
    """Return a controller that begins at `first`, which is what the data says.

    The config's `start`, or its schedule, comes before the data; its limits hold for all of them.
    """
    wished = first if config.start is None else config.start
    return _build(config, first=min(max(wished, config.low), config.high))


def restore_controller(config: ControllerConfig, state: ControllerState) -> Controller:
    """Return the controller whose `state()` this was.

    Raises:
        DataLoss: It is the state of another controller, or of none.
    """
    try:
        if state["kind"] != config.kind:
            raise ValueError(f"it is of kind {state['kind']}, the settings say {config.kind}")
        first, value = _number(state["first"]), _number(state["value"])
        pairs = [(_number(error), _number(at)) for error, at in state["pairs"]]  # type: ignore[attr-defined] # checked below
        for error, _ in pairs:
            if not 0 <= error <= 1:
                raise ValueError(f"error {error} is not in 0 to 1")
        if not config.low <= min(first, value) <= max(first, value) <= config.high:
            raise ValueError(f"difficulties are {first} and {value}, the limits {config.low} to {config.high}")
    except (KeyError, TypeError, ValueError) as error:
        reason = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        raise DataLoss(f"the checkpoint's controller is damaged ({reason}); remove the run and train again") from None
    return _build(config, first=first, value=value, pairs=pairs)


def _build(config: ControllerConfig, *, first: float, **going_on: Any) -> Controller:
    if config.kind == "fixed":
        return FixedDifficulty(first=first, **going_on)
    if config.kind == "schedule":
        return Schedule(schedule=config.schedule, pairs=going_on.get("pairs", ()))
    settings = {
        "first": first,
        "prior_slope": config.prior_slope * first,
        "low": config.low,
        "high": config.high,
        "ridge": config.ridge,
        "window": config.window,
        "step_factor": config.step_factor,
        **going_on,
    }
    if config.kind == "validation_error":
        return ValidationErrorTarget(**settings)
    return ConstantTarget(target=config.target, **settings)


def _number(value: object) -> float:
    if not isinstance(value, float | int) or isinstance(value, bool) or not isfinite(value):
        raise ValueError(f"{value!r} is no number")
    return value
