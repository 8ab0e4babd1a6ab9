"""Which cores a worker keeps to, where it is to."""

from collections.abc import Sequence

__all__ = ["share_of"]


def share_of(cores: Sequence[int], number: int, workers: int) -> frozenset[int]:
    """Return the cores of one of several workers, counted from 0: a part of all that no other has, or one in turn."""
    return frozenset(cores[number::workers] or [cores[number % len(cores)]])
