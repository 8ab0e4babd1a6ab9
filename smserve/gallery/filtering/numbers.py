"""Comparing with decimal numbers that SQLite reads from JSON: exactly, though SQLite reads them only nearly exactly.

SQLite promises 15 digits of a decimal number; a double has up to 17. So what it read decides only where it lies clearly
to one side of a bound; next to the bound the number's own text decides, which is Python's shortest one (`row_of` writes
payloads with `json`), so that each double has one text, zero two.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

__all__ = ["Bounds", "RealBound", "real_texts", "surely_above", "surely_below"]

_STEPS: Final = 16  # doubles; 15 digits are within ten
_INT64: Final = (-(2**63), 2**63 - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class RealBound:
    """What meets one bound.

    Attributes:
        near: Whatever meets the bound is read as at least (a lower bound) or at most (an upper bound) this.
        sure: Whatever is read as beyond this meets it.
        texts: Of the numbers between, those that meet it.
    """

    near: float
    sure: float
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """A range of numbers; None where it is open.

    Attributes:
        lower: The lower bound.
        lower_included: It belongs to the range.
        upper: The upper bound.
        upper_included: It belongs to the range.
    """

    lower: float | None
    lower_included: bool
    upper: float | None
    upper_included: bool

    def real_lower(self) -> RealBound | None:
        """Return what the lower bound means for decimal numbers."""
        if self.lower is None:
            return None
        bound, included = self.lower, self.lower_included
        met = (near for near in _around(float(bound)) if near > bound or (included and near == bound))
        return RealBound(near=surely_below(bound), sure=surely_above(bound), texts=real_texts(met))

    def real_upper(self) -> RealBound | None:
        """Return what the upper bound means for decimal numbers."""
        if self.upper is None:
            return None
        bound, included = self.upper, self.upper_included
        met = (near for near in _around(float(bound)) if near < bound or (included and near == bound))
        return RealBound(near=surely_above(bound), sure=surely_below(bound), texts=real_texts(met))

    def whole(self) -> tuple[int, int]:
        """Return the first and the last whole number of 64 bits in the range; the first is larger where it has none."""
        first, last = _INT64
        if self.lower is not None:
            lower = math.ceil(self.lower)
            first = max(first, lower + (lower == self.lower and not self.lower_included))
        if self.upper is not None:
            upper = math.floor(self.upper)
            last = min(last, upper - (upper == self.upper and not self.upper_included))
        return first, last


def real_texts(numbers: Iterable[float]) -> tuple[str, ...]:
    """Return the JSON texts of doubles."""
    return tuple(text for number in numbers for text in ({"0.0", "-0.0"} if number == 0 else {repr(number)}))


def surely_below(number: float) -> float:
    """Return a double that SQLite reads no text of `number` or a larger number as smaller than."""
    return _stepped(float(number), -math.inf)


def surely_above(number: float) -> float:
    """Return a double that SQLite reads no text of `number` or a smaller number as larger than."""
    return _stepped(float(number), math.inf)


def _stepped(number: float, towards: float) -> float:
    for _ in range(_STEPS):
        number = math.nextafter(number, towards)
    return number


def _around(number: float) -> list[float]:
    """Return the doubles that may be read as one within `_STEPS` of a number."""
    around = [number]
    for towards in (-math.inf, math.inf):
        near = number
        for _ in range(2 * _STEPS):
            near = math.nextafter(near, towards)
            if math.isfinite(near):
                around.append(near)
    return around
