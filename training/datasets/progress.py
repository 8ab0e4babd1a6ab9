"""How a long step says how far it is; the caller draws the bar."""

from typing import Protocol

__all__ = ["Progress", "silent"]


class Progress(Protocol):
    """Called again and again: what is being done, how much of it is done, and how much there is (0: not known)."""

    def __call__(self, step: str, done: int, total: int, /) -> None:
        """Show it."""


def silent(step: str, done: int, total: int, /) -> None:
    """Show nothing."""
