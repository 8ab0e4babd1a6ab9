"""Whether anybody still waits for an answer."""

from collections.abc import Callable

__all__ = ["StillWanted", "always_wanted"]

StillWanted = Callable[[], None]
"""Raises (DeadlineExceeded, Cancelled) when nobody waits for the answer any more; called before each costly step."""


def always_wanted() -> None:
    """Say that somebody does."""
