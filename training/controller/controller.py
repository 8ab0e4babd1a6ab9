"""What every controller is: a difficulty for the next epoch, updated by the error of the last one."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from smserve.errors import InvalidInput
from training.controller.line import Origin

__all__ = ["Clamp", "Controller", "ControllerState", "Pair", "Step", "check_share"]

ControllerState = dict[str, object]
Pair = tuple[float, float]
Clamp = Literal["none", "step", "low", "high"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """All that an update did, for the log.

    Attributes:
        error: The share of active triplets that was measured.
        before: The difficulty that it was measured at.
        value: The difficulty of the next epoch.
        wanted: What it would be without clamps.
        clamp: Which clamp acted last: the largest step of an epoch, or the lowest or highest difficulty.
        target: The wanted share; None where nothing is steered.
        slope: alpha of equation 7; None as above.
        intercept: beta of equation 7; None as above.
        line: "fitted", or why the prior slope was kept; None as above.
    """

    error: float
    before: float
    value: float
    wanted: float
    clamp: Clamp = "none"
    target: float | None = None
    slope: float | None = None
    intercept: float | None = None
    line: Origin | None = None

    def figures(self) -> dict[str, float | str | None]:
        """Return what the log of an epoch says of it, by name."""
        return {
            "controller_target": self.target,
            "controller_slope": self.slope,
            "controller_intercept": self.intercept,
            "controller_line": self.line,
            "controller_wanted": self.wanted,
            "controller_clamp": self.clamp,
        }


class Controller(ABC):
    """Holds one difficulty, and the trajectory that led to it."""

    kind: ClassVar[str]
    """As `ControllerConfig.kind` names it."""
    needs_validation_error: ClassVar[bool] = False
    """Whether `update` must be told the error on held-out training pictures."""

    def __init__(self, *, first: float, value: float | None = None, pairs: Iterable[Pair] = ()) -> None:
        """Begin at a first difficulty; or go on at `value` after `pairs`."""
        self._first = first
        self._value = first if value is None else value
        self._pairs = list(pairs)

    @property
    def value(self) -> float:
        """The difficulty of the next epoch."""
        return self._value

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """The whole trajectory, (error, difficulty that it was measured at) of each epoch, oldest first."""
        return tuple(self._pairs)

    def update(self, *, error: float, validation_error: float | None = None) -> Step:
        """Take in an epoch's error, in [0, 1], that was measured at `value`; set the next `value`.

        Raises:
            InvalidInput: An error is not in [0, 1], or the validation error is missing where it is needed.
        """
        check_share("error", error)
        if validation_error is not None:
            check_share("validation error", validation_error)
        pairs = (*self._pairs, (error, self._value))
        step = self._next(pairs, validation_error)
        self._pairs.append(pairs[-1])
        self._value = step.value
        return step

    def state(self) -> ControllerState:
        """Return what a checkpoint keeps of it, as JSON-able values."""
        return {
            "kind": self.kind,
            "value": self._value,
            "first": self._first,
            "pairs": [list(pair) for pair in self._pairs],
        }

    @abstractmethod
    def _next(self, pairs: Sequence[Pair], validation_error: float | None) -> Step:
        """Return the step to the next value; `pairs` end with this epoch's error and value."""


def check_share(name: str, value: float) -> None:
    """Refuse what is no share.

    Raises:
        InvalidInput: It is not in [0, 1].
    """
    if not 0 <= value <= 1:  # so is no NaN
        raise InvalidInput(f"the controller's {name} is {value}; wanted 0 to 1", field=name.replace(" ", "_"))
