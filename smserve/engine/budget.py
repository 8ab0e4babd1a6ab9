"""A limit on memory in use at the same time, as a semaphore over bytes."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from smserve.memory import give_back_large_blocks

__all__ = ["ByteBudget"]

_POLL_S = 0.1  # how soon a waiting caller notices that its answer is no longer wanted


class ByteBudget:
    """Lets callers hold bytes as long as all together hold at most `total`; others wait, first come first served.

    Ten small pictures fit at once where two huge ones don't: a limit on the number of requests can't tell them apart.
    """

    def __init__(self, total: int) -> None:
        give_back_large_blocks()  # else what was held and let go still takes memory
        self.total = total
        self._free = total
        self._queue: list[object] = []
        self._changed = threading.Condition()

    @property
    def free(self) -> int:
        """Bytes that nobody holds."""
        with self._changed:
            return self._free

    @contextmanager
    def hold(self, amount: int, still_wanted: Callable[[], None]) -> Iterator[None]:
        """Hold `amount` bytes inside the block; more than `total` counts as `total`, and so runs alone.

        Args:
            amount: Bytes.
            still_wanted: Called while waiting; what it raises ends the wait.
        """
        amount = min(amount, self.total)
        self._acquire(amount, still_wanted)
        try:
            yield
        finally:
            with self._changed:
                self._free += amount
                self._changed.notify_all()

    def _acquire(self, amount: int, still_wanted: Callable[[], None]) -> None:
        ticket = object()
        with self._changed:
            self._queue.append(ticket)
            try:
                while self._queue[0] is not ticket or amount > self._free:
                    still_wanted()
                    self._changed.wait(_POLL_S)
                self._free -= amount
            finally:
                self._queue.remove(ticket)
                self._changed.notify_all()
