"""SIGTERM and SIGINT as something that a loop waits for."""

import os
import select
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Final, Self

__all__ = ["Signals"]

_NO_SIGNAL: Final = b"\0"


class Signals:
    """While entered, a signal does nothing but make `descriptor` readable; must be entered in the main thread.

    Python runs handlers between steps of its main thread: one that has come just before that thread waits for a lock,
    or that another thread was given, is not seen until the wait is over. What C writes into a pipe is seen.

    Attributes:
        descriptor: To wait for.
    """

    def __init__(self, *watched: signal.Signals) -> None:
        """Watch nothing yet.

        Args:
            watched: All others are left as they are.
        """
        self._watched: Final = frozenset(watched)
        self.descriptor, self._written = os.pipe()
        for end in (self.descriptor, self._written):
            os.set_blocking(end, False)

    @property
    def descriptors(self) -> tuple[int, int]:
        """Both ends of the pipe."""
        return self.descriptor, self._written

    def __enter__(self) -> Self:
        self._wakeup_before = signal.set_wakeup_fd(self._written, warn_on_full_buffer=False)
        self._before = {number: signal.signal(number, lambda *_: None) for number in self._watched}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup_before)
        for end in self.descriptors:
            os.close(end)

    def take(self) -> int:
        """Return how many have come since the last time."""
        return sum(number in self._watched for number in self._read())

    def wait(self, *others: int) -> None:
        """Wait for a signal, or until one of other descriptors can be read or has ended."""
        while True:
            ready = _readable(self.descriptor, *others)
            if self.take() or not {self.descriptor}.issuperset(ready):
                return

    @contextmanager
    def calling(self, act: Callable[[], None]) -> Iterator[None]:
        """Call something, in a thread of its own, when a signal comes inside the block."""

        def listen() -> None:
            while True:
                _readable(self.descriptor)
                numbers = self._read()
                if not self._watched.isdisjoint(numbers):
                    act()
                if _NO_SIGNAL in numbers:
                    return

        listener = threading.Thread(target=listen, name="smserve-signals")
        listener.start()
        try:
            yield
        finally:
            os.write(self._written, _NO_SIGNAL)
            listener.join()

    def _read(self) -> bytes:
        try:
            return os.read(self.descriptor, 64)
        except BlockingIOError:
            return b""


def _readable(*descriptors: int) -> list[int]:
    """Wait until some can be read or have ended, and return them; select knows none above 1,023."""
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return [descriptor for descriptor, _ in poll.poll()]
