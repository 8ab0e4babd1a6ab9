"""The filter language as values. Every filter that exists is well-formed and within the limits."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from smserve.errors import InvalidFilter
from smserve.filters.field import payload_path

__all__ = [
    "MAX_CONDITIONS",
    "MAX_DEPTH",
    "MAX_LENGTH",
    "MAX_VALUES",
    "And",
    "Equal",
    "Exists",
    "Filter",
    "In",
    "Not",
    "Or",
    "Range",
    "Scalar",
    "depth_refused",
]

Scalar = str | int | float | bool | None

MAX_DEPTH: Final = 16
"""Levels of and, or, not."""
MAX_CONDITIONS: Final = 256
"""Conditions on fields in one filter."""
MAX_VALUES: Final = 10_000
"""Values that one filter compares with."""
MAX_LENGTH: Final = 10_000
"""Characters of one value."""
_UNUSABLE: Final = re.compile("[\0\ud800-\udfff]")  # half a surrogate pair is no text; SQLite ends text at a NUL


class Filter:
    """A condition that an item meets or doesn't; `smserve.filters.matching` says which do."""

    __slots__ = ()

    # In Python 1 == True == 1.0. Of two filters that differ so, one must never be answered by what is cached for the
    # other.
    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and repr(self) == repr(other)

    def __hash__(self) -> int:
        return hash(repr(self))


@dataclass(frozen=True, slots=True, eq=False)
class Equal(Filter):
    """The field, or an element of it, is the value."""

    field: str
    value: Scalar

    def __post_init__(self) -> None:
        payload_path(self.field)
        _check_value(self.field, self.value)


@dataclass(frozen=True, slots=True, eq=False)
class In(Filter):
    """The field, or an element of it, is one of the values."""

    field: str
    values: tuple[Scalar, ...]

    def __post_init__(self) -> None:
        payload_path(self.field)
        if not isinstance(self.values, tuple) or not self.values:
            raise InvalidFilter(f"{self.field!r} in {self.values!r}: wanted a tuple of at least one value")
        for value in self.values:
            _check_value(self.field, value)
        _check_size(self)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Range(Filter):
    """The field, or one element of it, lies between the bounds: numbers between numbers, texts between texts.

    Attributes:
        field: Its name.
        gt: It is larger than this; at most one of `gt` and `gte` is given.
        gte: Or as large.
        lt: It is smaller than this; at most one of `lt` and `lte` is given.
        lte: Or as small.
    """

    field: str
    gt: str | float | None = None
    gte: str | float | None = None
    lt: str | float | None = None
    lte: str | float | None = None

    def __post_init__(self) -> None:
        payload_path(self.field)
        bounds = [bound for bound in (self.gt, self.gte, self.lt, self.lte) if bound is not None]
        if not bounds or None not in {self.gt, self.gte} or None not in {self.lt, self.lte}:
            raise InvalidFilter(
                f"range of {self.field!r}: wanted one of gt and gte, or one of lt and lte, or one of each; got {bounds}"
            )
        for bound in bounds:
            _check_value(self.field, bound)
            if isinstance(bound, bool) or isinstance(bound, str) != isinstance(bounds[0], str):
                raise InvalidFilter(f"range of {self.field!r}: wanted two numbers or two texts as bounds, got {bounds}")


@dataclass(frozen=True, slots=True, eq=False)
class Exists(Filter):
    """The field is there, whatever its value."""

    field: str

    def __post_init__(self) -> None:
        payload_path(self.field)


@dataclass(frozen=True, slots=True, eq=False)
class And(Filter):
    """All of them are met."""

    filters: tuple[Filter, ...]

    def __post_init__(self) -> None:
        _check_parts("and", self.filters)
        _check_size(self)


@dataclass(frozen=True, slots=True, eq=False)
class Or(Filter):
    """At least one of them is met."""

    filters: tuple[Filter, ...]

    def __post_init__(self) -> None:
        _check_parts("or", self.filters)
        _check_size(self)


@dataclass(frozen=True, slots=True, eq=False)
class Not(Filter):
    """It is not met: every item that its filter leaves out, those without the field among them."""

    filter: Filter

    def __post_init__(self) -> None:
        _check_parts("not", (self.filter,))
        _check_size(self)


def depth_refused() -> InvalidFilter:
    """Return the error for a filter, or a text, that is nested too deeply."""
    return InvalidFilter(
        f"the filter is nested more than {MAX_DEPTH} levels deep, which is the limit; write it flatter"
    )


def _check_value(field: str, value: object) -> None:
    if isinstance(value, str):
        if len(value) > MAX_LENGTH:
            raise InvalidFilter(f"a value of {field!r} has {len(value):,} characters, the limit is {MAX_LENGTH:,}")
        if _UNUSABLE.search(value):
            raise InvalidFilter(f"value {value!r} of {field!r} is no Unicode text, or holds a NUL; write it without")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidFilter(f"value {value} of {field!r} is not finite; wanted a number")
    elif isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise InvalidFilter(f"value {value} of {field!r} is over the limit: whole numbers have at most 64 bits")
    elif value is not None:
        raise InvalidFilter(
            f"value {value!r} of {field!r} can't be compared; wanted text, a number, true, false or null"
        )


def _check_parts(name: str, parts: Sequence[object]) -> None:
    if not isinstance(parts, tuple) or not parts or not all(isinstance(part, Filter) for part in parts):
        raise InvalidFilter(f"{name} joins filters, at least one; got {parts!r}")


def _check_size(filter: Filter) -> None:
    depth, conditions, values = _size(filter)
    if depth > MAX_DEPTH:
        raise depth_refused()
    if conditions > MAX_CONDITIONS:
        raise InvalidFilter(
            f"the filter has {conditions:,} conditions, the limit is {MAX_CONDITIONS}; `in` compares with many values "
            f"in one"
        )
    if values > MAX_VALUES:
        raise InvalidFilter(f"the filter compares with {values:,} values, the limit is {MAX_VALUES:,}")


def _size(filter: Filter) -> tuple[int, int, int]:
    """Return levels of and, or, not; conditions on fields; values. The parts were checked, so this is never deep."""
    parts = filter.filters if isinstance(filter, And | Or) else (filter.filter,) if isinstance(filter, Not) else ()
    if not parts:
        return 0, 1, len(filter.values) if isinstance(filter, In) else 1
    sizes = [_size(part) for part in parts]
    return 1 + max(size[0] for size in sizes), sum(size[1] for size in sizes), sum(size[2] for size in sizes)
