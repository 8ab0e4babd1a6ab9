"""When a run writes its checkpoints: after each epoch, and in its midst every so often."""

import time
from collections.abc import Callable
from typing import Any

from training.config import CheckpointConfig
from training.distributed import is_first
from training.trainer.checkpoints import Checkpoints
from training.trainer.tally import Tally

__all__ = ["Keeper"]


class Keeper:
    """Writes a run's checkpoints, in the first of several processes."""

    def __init__(self, checkpoints: Checkpoints, config: CheckpointConfig, state: Callable[[], dict[str, Any]]) -> None:
        """Take where to write, how often, and what."""
        self._checkpoints = checkpoints
        self._config = config
        self._state = state
        self._written = time.monotonic()

    def after_step(self, epoch: int, tally: Tally) -> None:
        """Write one if it is time."""
        every = self._config.every_steps
        due = time.monotonic() - self._written >= self._config.every_s or (
            every is not None and not tally.steps % every
        )
        if is_first() and due:
            self._checkpoints.save(self._state(), epoch=epoch, step=tally.steps, keep=self._config.keep)
            self._written = time.monotonic()

    def after_epoch(self, epoch: int, *, best: bool) -> None:
        """Write one, and keep a copy if it is the best so far."""
        if is_first():
            path = self._checkpoints.save(self._state(), epoch=epoch, step=None, keep=self._config.keep)
            if best:
                self._checkpoints.keep_as_best(path)
            self._written = time.monotonic()
