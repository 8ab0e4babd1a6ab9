"""No filter is made that is not well-formed, and none is taken for another."""

from typing import Any

import pytest

from smserve.errors import InvalidFilter
from smserve.filters import And, Equal, Exists, Filter, In, Not, Or, Range
from smserve.filters.conditions import MAX_DEPTH

A = Equal("a", 1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Equal("", 1), "names no field"),
        (lambda: Equal("a..b", 1), r"names no field \(see its character 3\)"),
        (lambda: Equal("a.", 1), r"names no field \(see its character 3\)"),
        (lambda: Equal("a`b", 1), "names no field"),
        (lambda: Equal("a\n", 1), "control characters"),
        (lambda: Equal("a" * 1001, 1), "1,001 characters, the limit is 1,000"),
        (lambda: Exists(3), "named by text, got 3"),  # type: ignore[arg-type]
        (lambda: Equal("a", [1]), "can't be compared"),  # type: ignore[arg-type]
        (lambda: Equal("a", float("nan")), "not finite"),
        (lambda: In("a", ()), "at least one value"),
        (lambda: In("a", [1]), "wanted a tuple"),  # type: ignore[arg-type]
        (lambda: Range(field="a"), "wanted one of gt and gte"),
        (lambda: Range(field="a", gt=1, gte=1), "wanted one of gt and gte"),
        (lambda: Range(field="a", lt=1, lte=2), "wanted one of gt and gte"),
        (lambda: Range(field="a", gt=1, lt="b"), "two numbers or two texts"),
        (lambda: Range(field="a", gt=True), "two numbers or two texts"),
        (lambda: And(()), "and joins filters, at least one"),
        (lambda: Or((A, "b")), "or joins filters"),  # type: ignore[arg-type]
        (lambda: Not(None), "not joins filters"),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_filter(make: Any, message: str) -> None:
    with pytest.raises(InvalidFilter, match=message):
        make()


def test_depth_is_bounded_while_it_is_built() -> None:
    filter: Filter = A
    for _ in range(MAX_DEPTH):
        filter = Not(filter)
    with pytest.raises(InvalidFilter, match="more than 16 levels"):
        Or((A, filter))


def test_values_that_python_takes_for_equal_make_different_filters() -> None:
    assert Equal("a", 1) == Equal("a", 1)
    assert hash(Equal("a", 1)) == hash(Equal("a", 1))
    assert len({Equal("a", 1), Equal("a", True), Equal("a", 1.0), Equal("a", "1")}) == 4
    assert Not(In("a", (0,))) != Not(In("a", (False,)))
    assert And((A,)) != Or((A,))
