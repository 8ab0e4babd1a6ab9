"""Memory that was freed goes back to the system, where the C library keeps it instead."""

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

__all__ = ["memory_given_back"]

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_LARGE_BYTES: Final = 1 << 20
_KEPT_BYTES: Final = 128 << 10
"""What a thread may keep of freed memory: glibc's own first value, which it raises for good after larger blocks."""


def _find(name: str) -> Callable[..., Any] | None:
    """Return a function of the C library; None where there is none, as outside glibc."""
    try:
        return getattr(ctypes.CDLL(None), name, None)
    except (OSError, TypeError):
        return None


_SET: Final = _find("mallopt")
_TRIM: Final = _find("malloc_trim")


@contextmanager
def memory_given_back() -> Iterator[None]:
    """Let the process shrink after a block that takes much memory for a moment; that costs some milliseconds.

    glibc keeps what was freed, and does so for each thread: a server that compacts on one thread of its pool after
    another grows by the size of a generation with each. From the first block on, what takes a megabyte or more comes
    from the system and goes back to it.
    """
    if _SET is not None and _TRIM is not None:  # both: musl has a mallopt of another kind
        _SET(_M_MMAP_THRESHOLD, _LARGE_BYTES)
        _SET(_M_TRIM_THRESHOLD, _KEPT_BYTES)
    try:
        yield
    finally:
        if _TRIM is not None:
            _TRIM(0)
