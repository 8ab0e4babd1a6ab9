"""What a gallery tells those who watch it in service."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum

from smserve.errors import SmserveError, Unavailable
from smserve.gallery.values import Written

__all__ = ["GalleryEvents", "GalleryListener", "SwapResult"]


class SwapResult(StrEnum):
    """How a change of the generation that is searched came out."""

    COMPACTED = "compacted"
    """To one that was made from what was written since."""
    ROLLED_BACK = "rolled_back"
    """To the one before."""
    FOLLOWED = "followed"
    """To what another process switched to."""
    FAILED = "failed"
    """Nothing was changed."""


class GalleryListener:
    """Is told, on any thread; what it does not want to know it leaves as it is here."""

    def committed(self, seconds: float) -> None:
        """Be told of a write that is durable, and how long that took, other writes before it included."""

    def swapped(self, result: SwapResult) -> None:
        """Be told of a swap."""


class GalleryEvents:
    """Tells listeners; safe to use from many threads."""

    def __init__(self) -> None:
        self._listeners: tuple[GalleryListener, ...] = ()

    def listen(self, listener: GalleryListener) -> None:
        """Tell one more of what comes."""
        self._listeners += (listener,)

    def timed(self, write: Callable[[], Written]) -> Written:
        """Write, and tell of it, unless it was done before."""
        began = time.perf_counter()
        written = write()
        if not written.repeated:
            seconds = time.perf_counter() - began
            for listener in self._listeners:
                listener.committed(seconds)
        return written

    def swapped(self, result: SwapResult) -> None:
        """Tell of a swap."""
        for listener in self._listeners:
            listener.swapped(result)

    @contextmanager
    def swapping(self, result: SwapResult) -> Iterator[None]:
        """Tell how the swap in the block came out; one that the end of the gallery cuts short is none."""
        try:
            yield
        except Unavailable:
            raise
        except SmserveError:
            self.swapped(SwapResult.FAILED)
            raise
        self.swapped(result)
