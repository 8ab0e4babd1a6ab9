"""A limit on memory in use at the same time, as a semaphore over bytes."""

import threading
import time
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
    def hold(self, amount: int, still_wanted: Callable[[], None]) -> Iterator[float]:
        """Hold `amount` bytes inside the block; more than `total` counts as `total`, and so runs alone.

        The block is given the seconds that it had to wait, 0 where the bytes were free.

        Args:
            amount: Bytes.
            still_wanted: Called while waiting; what it raises ends the wait.
        """
        amount = min(amount, self.total)
        waited_s = self._acquire(amount, still_wanted)
        try:
            yield waited_s
        finally:
            with self._changed:
                self._free += amount
                self._changed.notify_all()

    def _acquire(self, amount: int, still_wanted: Callable[[], None]) -> float:
        ticket, came = object(), time.perf_counter()
        with self._changed:
            if not self._queue and amount <= self._free:
                self._free -= amount
                return 0.0
            self._queue.append(ticket)
            try:
                while self._queue[0] is not ticket or amount > self._free:
                    still_wanted()
                    self._changed.wait(_POLL_S)
                self._free -= amount
            finally:
                self._queue.remove(ticket)
                self._changed.notify_all()
        return time.perf_counter() - came
