"""Dynamic batching: calls that come at the same time run together."""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smserve.types import FloatArray

__all__ = ["Batcher", "batch_sizes"]


def batch_sizes(max_batch: int) -> tuple[int, ...]:
    """Return the sizes that batches are filled up to: the powers of two below `max_batch`, and that itself.

    A GPU's libraries look for the fastest algorithm anew for each size that they meet.
    """
    return (*(1 << power for power in range((max_batch - 1).bit_length())), max_batch)


class _Call:
    """Pictures that wait, and what became of them."""

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        self.pixels: Final = pixels
        self.vectors: FloatArray | None = None
        self.error: BaseException | None = None
        self.leads = False
        self.woken: Final = threading.Event()  # it is done, or it is to run the next batch


class Batcher:
    """Runs what waits as one batch; safe to call from many threads.

    It has no thread of its own, so there is none to stop: one of the callers whose pictures are in a batch runs it. A
    batch takes calls in the order in which they came. There is one that leads as long as any call waits or runs.
    """

    def __init__(
        self,
        run: Callable[[NDArray[np.uint8]], FloatArray],
        *,
        max_batch: int,
        max_delay_s: float = 0.0,
        fill_up: bool = False,
        poll_s: float = 0.1,
        on_batch: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Stand in front of what runs a batch.

        Args:
            run: From pictures (N, H, W, 3) uint8 to embeddings (N, D).
            max_batch: Pictures of one batch; a call with more runs alone.
            max_delay_s: How long a batch that is not full waits for more.
            fill_up: Run batches of `batch_sizes` alone, filled up with black pictures.
            poll_s: How soon who waits notices that the answer is no longer wanted.
            on_batch: Told how many pictures are in each batch that runs, those that fill it up not counted.
        """
        self._run: Final = run
        self._max_batch: Final = max_batch
        self._max_delay_s: Final = max_delay_s
        self._sizes: Final = batch_sizes(max_batch) if fill_up else ()
        self._poll_s: Final = poll_s
        self._on_batch: Final = on_batch
        self._waiting: Final[deque[_Call]] = deque()
        self._has_leader = False
        self._lock: Final = threading.Lock()
        self._came: Final = threading.Condition(self._lock)

    def run(self, pixels: NDArray[np.uint8], still_wanted: Callable[[], None]) -> FloatArray:
        """Return the embeddings (N, D) of pictures (N, H, W, 3), run together with those of others.

        Args:
            pixels: The pictures.
            still_wanted: Called now and then while waiting; what it raises ends the wait, and only this call's.

        Raises:
            Exception: What running the batch raised; each of its callers gets it.
        """
        call = _Call(pixels)
        with self._lock:
            self._waiting.append(call)
            self._came.notify_all()
            if not self._has_leader:
                self._has_leader = True
                self._appoint(call)
        while not call.woken.wait(self._poll_s):
            try:
                still_wanted()
            except BaseException:
                self._withdraw(call)
                raise
        if call.leads:
            self._lead()
        if call.error is not None:
            try:
                raise call.error
            finally:
                call.error = None  # it holds this frame, and so the pictures
        assert call.vectors is not None, "a call that was woken and does not lead is done"  # noqa: S101 - for the types
        return call.vectors

    def _appoint(self, call: _Call) -> None:
        call.leads = True
        call.woken.set()

    def _hand_over(self) -> None:
        """Let the one that has waited longest lead; the lock is held."""
        if self._waiting:
            self._appoint(self._waiting[0])
        else:
            self._has_leader = False

    def _withdraw(self, call: _Call) -> None:
        """Take a call out that is no longer wanted, unless its batch runs already."""
        with self._lock:
            if call in self._waiting:
                self._waiting.remove(call)
                if call.leads:  # it was appointed just now
                    self._hand_over()

    def _lead(self) -> None:
        """Run one batch, the leader's own call in it, for all whose calls it takes."""
        with self._lock:
            self._await_company()
            batch = self._take()
        try:
            self._on_batch(sum(len(call.pixels) for call in batch))
            vectors = self._run(self._filled_up([call.pixels for call in batch]))
            start = 0
            for call in batch:
                call.vectors = vectors[start : start + len(call.pixels)]
                start += len(call.pixels)
        except BaseException as error:  # noqa: BLE001 - each caller raises it again
            for call in batch:
                call.error = error
        with self._lock:
            self._hand_over()
        for call in batch:
            call.woken.set()

    def _await_company(self) -> None:
        """Wait until a batch is full, or the delay has passed; the lock is held."""
        until = time.monotonic() + self._max_delay_s
        while sum(len(call.pixels) for call in self._waiting) < self._max_batch:
            left = until - time.monotonic()
            if left <= 0:
                return
            self._came.wait(left)

    def _take(self) -> list[_Call]:
        """Take the calls that fit into one batch, the first in any case; the lock is held."""
        batch = [self._waiting.popleft()]
        size = len(batch[0].pixels)
        while self._waiting and size + len(self._waiting[0].pixels) <= self._max_batch:
            batch.append(self._waiting.popleft())
            size += len(batch[-1].pixels)
        return batch

    def _filled_up(self, parts: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
        size = sum(len(part) for part in parts)
        missing = next((each for each in self._sizes if each >= size), size) - size
        if missing:
            parts = [*parts, np.zeros((missing, *parts[0].shape[1:]), np.uint8)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)
