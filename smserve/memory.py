"""What the C library does with memory that was freed: a server gives it back to the system, training keeps it."""

import ctypes
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

__all__ = ["give_back_large_blocks", "keep_freed_memory", "memory_given_back", "share_one_heap"]

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_M_MMAP_MAX: Final = -4
_M_ARENA_MAX: Final = -8
_MOST: Final = 2**31 - 1  # of a setting
_LARGE_BYTES: Final = 1 << 20
_KEPT_BYTES: Final = 1 << 20
"""What a thread may keep of freed memory, so that a small photo does not ask the system for each of its pages: with
128 KiB, glibc's own first value, one of 500 x 375 pixels took 1.24 times as long to decode."""


def _find(name: str) -> Callable[..., Any] | None:
    """Return a function of the C library; None where there is none, as outside glibc."""
    try:
        return getattr(ctypes.CDLL(None), name, None)
    except (OSError, TypeError):
        return None


_SET: Final = _find("mallopt")
_TRIM: Final = _find("malloc_trim")


@cache
def give_back_large_blocks() -> None:
    """Let what takes a megabyte or more come from the system, and go back to it when it is freed; once is for ever.

    glibc keeps what was freed, up to 32 MB a block, and does so for each thread: a server that decodes large pictures
    on one thread of its pool after another takes a multiple of what is in use at a time.
    """
    if _SET is not None and _TRIM is not None:  # both: musl has a mallopt of another kind
        _SET(_M_MMAP_THRESHOLD, _LARGE_BYTES)
        _SET(_M_TRIM_THRESHOLD, _KEPT_BYTES)


@cache
def share_one_heap() -> None:
    """Let threads that begin from now on take memory from the main heap; once is for ever, in forked processes, too.

    glibc gives each thread a heap of its own, up to eight a core. Calls run on one thread of a pool after another, and
    what they let go of serves its own heap alone: the heaps grow for many minutes, though no more is in use. One is
    enough: Python lets one thread at a time make objects, and what decodes beside it takes few blocks, large ones.
    Who set a number of heaps for the process keeps it.
    """
    is_set = "MALLOC_ARENA_MAX" in os.environ or "arena_max" in os.environ.get("GLIBC_TUNABLES", "")
    if _SET is not None and _TRIM is not None and not is_set:
        _SET(_M_ARENA_MAX, 1)


@cache
def keep_freed_memory() -> None:
    """Keep what was freed, for training, whose every step takes and frees the same hundreds of megabytes.

    glibc gives blocks above 32 MB back to the system, which clears each page anew for the next step.
    """
    if _SET is not None and _TRIM is not None:
        _SET(_M_MMAP_MAX, 0)
        _SET(_M_TRIM_THRESHOLD, _MOST)


@contextmanager
def memory_given_back() -> Iterator[None]:
    """Let the process shrink after a block that takes much memory for a moment; that costs some milliseconds."""
    give_back_large_blocks()
    try:
        yield
    finally:
        if _TRIM is not None:
            _TRIM(0)
