"""SIGTERM and SIGINT as something that a loop waits for."""

import os
import signal
from types import TracebackType
from typing import Final, Self

__all__ = ["Signals"]

_WATCHED: Final = (signal.SIGTERM, signal.SIGINT)


class Signals:
    """While entered, a signal does nothing but make `descriptor` readable; must run in the main thread.

    Attributes:
        descriptor: To wait for.
    """

    def __init__(self) -> None:
        self.descriptor, self._written = os.pipe()
        for end in (self.descriptor, self._written):
            os.set_blocking(end, False)

    @property
    def descriptors(self) -> tuple[int, int]:
        """Both ends of the pipe."""
        return self.descriptor, self._written

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, lambda *_: None) for number in _WATCHED}
        self._wakeup_before = signal.set_wakeup_fd(self._written, warn_on_full_buffer=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.set_wakeup_fd(self._wakeup_before)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        for end in self.descriptors:
            os.close(end)

    def take(self) -> int:
        """Return how many have come since the last time."""
        try:
            return sum(number in _WATCHED for number in os.read(self.descriptor, 64))
        except BlockingIOError:
            return 0
