"""Memory that was freed goes back to the system, where the C library keeps it instead."""

import ctypes
from collections.abc import Callable
from typing import Any, Final

__all__ = ["give_back_memory"]


def _find() -> Callable[[int], Any] | None:
    try:
        return getattr(ctypes.CDLL(None), "malloc_trim", None)
    except (OSError, TypeError):  # no C library to ask, as on Windows
        return None


_TRIM: Final = _find()


def give_back_memory() -> None:
    """Let a process shrink after work that took much memory for a moment; some milliseconds.

    glibc keeps what was freed, for each thread that ever asked: a server that compacts again and again on threads of
    its pool grows by some megabytes each time, up to twice its size.
    """
    if _TRIM is not None:
        _TRIM(0)
