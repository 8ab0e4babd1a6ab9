"""How long a part of a piece of work takes that is done in several goes."""

import time
from types import TracebackType

__all__ = ["Stopwatch"]


class Stopwatch:
    """Adds up the seconds of the blocks that run in it, one at a time."""

    __slots__ = ("_began", "seconds")

    def __init__(self) -> None:
        self.seconds = 0.0
        self._began = 0.0

    def __enter__(self) -> None:
        self._began = time.perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.seconds += time.perf_counter() - self._began
