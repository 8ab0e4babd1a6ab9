"""Bounds of numbers hold even where decimal numbers are read with an error of several units in the last place."""

import math
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from smserve.gallery.filtering.numbers import Bounds, real_texts, surely_above, surely_below

finite = st.floats(allow_nan=False, allow_infinity=False)
whole = st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(-3, 3), st.sampled_from([2**53, 2**53 + 1, -(2**63)]))
steps = st.integers(-10, 10)


def stepped(number: float, steps: int) -> float:
    for _ in range(abs(steps)):
        number = math.nextafter(number, math.copysign(math.inf, steps))
    return number


def lower_met(bounds: Bounds, number: float, read_as: float) -> bool:
    """Decide as the SQL does: by what was read, near the bound by the text."""
    bound = bounds.real_lower()
    return bound is None or (read_as >= bound.near and (read_as > bound.sure or repr(number) in bound.texts))


def upper_met(bounds: Bounds, number: float, read_as: float) -> bool:
    bound = bounds.real_upper()
    return bound is None or (read_as <= bound.near and (read_as < bound.sure or repr(number) in bound.texts))


@settings(max_examples=200, deadline=None, database=None)
@given(limit=st.one_of(finite, whole), away=st.integers(-60, 60), error=steps, included=st.booleans())
def test_a_decimal_number_that_was_misread(limit: Any, away: int, error: int, included: bool) -> None:
    number = stepped(float(limit), away)
    if not math.isfinite(number):
        return
    read_as = stepped(number, error)
    bounds = Bounds(lower=limit, lower_included=included, upper=limit, upper_included=included)
    assert lower_met(bounds, number, read_as) == (number > limit or (included and number == limit))
    assert upper_met(bounds, number, read_as) == (number < limit or (included and number == limit))


@settings(max_examples=100, deadline=None, database=None)
@given(number=finite, error=steps)
def test_what_is_equal_is_read_near(number: float, error: int) -> None:
    assert surely_below(number) <= stepped(number, error) <= surely_above(number)
    assert set(real_texts([number])) >= {repr(number)}


@settings(max_examples=200, deadline=None, database=None)
@given(
    limits=st.tuples(st.one_of(finite, whole), st.one_of(finite, whole)).map(sorted),
    included=st.tuples(st.booleans(), st.booleans()),
    away=steps,
)
def test_whole_numbers(limits: list[Any], included: tuple[bool, bool], away: int) -> None:
    lower, upper = limits
    bounds = Bounds(lower=lower, lower_included=included[0], upper=upper, upper_included=included[1])
    first, last = bounds.whole()
    assert first >= -(2**63)
    assert last <= 2**63 - 1
    for number in (int(lower) + away, int(upper) + away):
        if -(2**63) <= number < 2**63:
            above = number > lower or (included[0] and number == lower)
            below = number < upper or (included[1] and number == upper)
            assert (first <= number <= last) == (above and below)


def test_zero_has_two_texts() -> None:
    assert set(real_texts([0.0])) == set(real_texts([-0.0])) == {"0.0", "-0.0"}
    assert real_texts([1e22, 0.1]) == ("1e+22", "0.1")


def test_an_open_range_is_all_of_64_bits() -> None:
    bounds = Bounds(lower=None, lower_included=False, upper=None, upper_included=False)
    assert bounds.whole() == (-(2**63), 2**63 - 1)
    assert bounds.real_lower() is bounds.real_upper() is None
