"""The tree of errors is drawn in its docstring; the drawing is true."""

import re

import smserve.errors as module
from smserve.errors import SmserveError


def every_error(root: type[SmserveError] = SmserveError) -> list[type[SmserveError]]:
    """The tree in depth-first order, without what training adds for itself."""
    children = [child for child in root.__subclasses__() if child.__module__.startswith("smserve.")]
    return [root, *(error for child in children for error in every_error(child))]


def test_the_drawing_shows_the_tree() -> None:
    def depth(error: type[SmserveError]) -> int:
        return error.__mro__.index(SmserveError)

    drawn = [
        (line.index(found.group()) // 4, found.group())
        for line in (module.__doc__ or "").splitlines()
        if line.startswith("    ") and (found := re.search(r"[A-Z]\w+", line))
    ]
    assert drawn == [(1 + depth(error), error.__name__) for error in every_error()]


def test_all_lists_every_error() -> None:
    assert sorted(module.__all__) == sorted(error.__name__ for error in every_error())


def test_reasons_are_unique_and_upper_snake() -> None:
    reasons = [error.reason for error in every_error()]
    assert len(set(reasons)) == len(reasons)
    assert all(re.fullmatch(r"[A-Z][A-Z_]+", reason) for reason in reasons)
