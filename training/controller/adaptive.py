"""The adaptive controllers: equations 7 and 8 of Harwood et al., ICCV 2017.

Every epoch gives a pair (e, x): x is the difficulty that its triplets were mined with (the paper's kappa), e the share
of them with a loss above zero. A line through the recent pairs says which x should give the wanted e in the next epoch.
The line starts as a prior and is pulled towards the prior's slope.
"""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from smserve.errors import InvalidInput
from training.controller.controller import Clamp, Controller, Pair, Step, check_share
from training.controller.line import fit_line

__all__ = ["ConstantTarget", "ValidationErrorTarget"]


class _Adaptive(Controller):
    """Steers to a target; leaf classes say which."""

    def __init__(
        self,
        *,
        first: float,
        prior_slope: float,
        low: float = 1.0,
        high: float = 64.0,
        ridge: float = 1e-3,
        window: int = 5,
        step_factor: float = 2.0,
        value: float | None = None,
        pairs: Iterable[Pair] = (),
    ) -> None:
        """Begin at a first difficulty; or go on at `value` after `pairs`.

        Args:
            first: In [low, high].
            prior_slope: alpha_0. Below zero where a larger x makes triplets easier, as kappa does; above zero where it
                makes them harder. A fitted slope of the other sign is not believed.
            low: Smallest x.
            high: Largest x.
            ridge: Weight of the prior slope in the fit, in units of e squared.
            window: How many recent pairs are fitted.
            step_factor: x changes at most by this factor an epoch, up or down.
            value: In [low, high].
            pairs: Oldest first.

        Raises:
            InvalidInput: Settings steer nowhere.
        """
        super().__init__(first=first, value=value, pairs=pairs)
        if not 0 < low <= self.value <= high:
            raise InvalidInput(
                f"controller: wanted 0 < low <= difficulty <= high, got {low}, {self.value}, {high}", field="value"
            )
        if not (prior_slope and ridge >= 0 and window >= 1 and step_factor >= 1):
            raise InvalidInput(
                f"controller: wanted prior_slope other than 0, ridge >= 0, window >= 1 and step_factor >= 1, got "
                f"{prior_slope}, {ridge}, {window} and {step_factor}",
                field="prior_slope",
            )
        self._prior_slope, self._ridge, self._window = prior_slope, ridge, window
        self._low, self._high, self._step_factor = low, high, step_factor

    @abstractmethod
    def _target(self, validation_error: float | None) -> float:
        """Return the error that the next epoch should have."""

    def _next(self, pairs: Sequence[Pair], validation_error: float | None) -> Step:
        target = self._target(validation_error)
        line = fit_line(pairs[-self._window :], prior_slope=self._prior_slope, ridge=self._ridge)
        wanted = line.at(target)
        near = min(max(wanted, self.value / self._step_factor), self.value * self._step_factor)
        value = min(max(near, self._low), self._high)
        clamp: Clamp = "none" if near == wanted else "step"
        if value != near:
            clamp = "low" if near < self._low else "high"
        return Step(
            error=pairs[-1][0],
            before=self.value,
            value=value,
            wanted=wanted,
            clamp=clamp,
            target=target,
            slope=line.slope,
            intercept=line.intercept,
            line=line.origin,
        )


class ConstantTarget(_Adaptive):
    """Variant B: the target is the same all along, 0.5 to 0.75 in the paper."""

    kind: ClassVar[str] = "constant_target"

    def __init__(self, *, target: float = 0.5, **settings: Any) -> None:
        """Take the wanted error, in [0, 1], and the settings of `_Adaptive`."""
        check_share("target", target)
        super().__init__(**settings)
        self._constant = target

    def _target(self, validation_error: float | None) -> float:  # noqa: ARG002 - variant A's
        return self._constant


class ValidationErrorTarget(_Adaptive):
    """Variant A: the target is the error on held-out training pictures, so that mined triplets are as hard as those."""

    kind: ClassVar[str] = "validation_error"
    needs_validation_error: ClassVar[bool] = True

    def _target(self, validation_error: float | None) -> float:
        if validation_error is None:
            raise InvalidInput(
                "the controller was told no validation error, which is its target; measure it on held-out training "
                'pictures, or take controller.kind "constant_target"',
                field="validation_error",
            )
        return validation_error
