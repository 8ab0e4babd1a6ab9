"""Which cores a worker keeps to, where it is to."""

import os
import sys
from collections.abc import Sequence

__all__ = ["keep_to", "share_of"]


def share_of(cores: Sequence[int], number: int, workers: int) -> frozenset[int]:
    """Return the cores of one of several workers, counted from 0: a part of all that no other has, or one in turn."""
    return frozenset(cores[number::workers] or [cores[number % len(cores)]])


def keep_to(number: int, workers: int) -> None:
    """Let this process, and what it starts from now on, run on its share of the cores that it may run on now."""
    if sys.platform == "linux":
        os.sched_setaffinity(0, share_of(sorted(os.sched_getaffinity(0)), number, workers))
