"""The names that somebody may have meant."""

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["did_you_mean", "nearest"]


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """Return at most three names that are written alike, the nearest first."""
    return get_close_matches(name, list(known), n=3, cutoff=0.6)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return "; did you mean ...?" for the end of a message; nothing where no name is near."""
    close = nearest(name, known)
    return f"; did you mean {', '.join(close)}?" if close else ""
