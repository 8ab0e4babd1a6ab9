"""The linear model of equations 7 and 8 of Harwood et al., ICCV 2017: difficulty as a function of the error."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["Line", "Origin", "fit_line"]

Origin = Literal["fitted", "prior: ill-conditioned", "prior: wrong sign"]

_SMALLEST_SPREAD: Final = 1e-12  # of errors, squared and summed; below it a slope is made of rounding


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Difficulty = slope * error + intercept; `origin` says whether the slope was believed."""

    slope: float
    intercept: float
    origin: Origin

    def at(self, error: float) -> float:
        """Return the difficulty that should give an error."""
        return self.slope * error + self.intercept


def fit_line(pairs: Sequence[tuple[float, float]], *, prior_slope: float, ridge: float) -> Line:
    """Fit x = alpha * e + beta to pairs (e, x) by least squares; the line passes through their mean.

    Alpha minimises sum((x - mean_x) - alpha (e - mean_e))^2 + ridge * (alpha - alpha_0)^2. Where the errors are all the
    same, or alpha has not the sign of the prior, alpha_0 is kept.

    Args:
        pairs: One or more.
        prior_slope: alpha_0, other than 0.
        ridge: Weight of the prior, in units of e squared.
    """
    mean_error = sum(error for error, _ in pairs) / len(pairs)
    mean_value = sum(value for _, value in pairs) / len(pairs)
    spread = sum((error - mean_error) ** 2 for error, _ in pairs)
    together = sum((error - mean_error) * (value - mean_value) for error, value in pairs)
    slope = prior_slope
    origin: Origin = "prior: ill-conditioned"
    if spread >= _SMALLEST_SPREAD:
        fitted = (together + ridge * prior_slope) / (spread + ridge)
        believed = fitted * prior_slope > 0
        slope, origin = (fitted, "fitted") if believed else (prior_slope, "prior: wrong sign")
    return Line(slope=slope, intercept=mean_value - slope * mean_error, origin=origin)
