"""A bar that shows nothing and tells each training step's loss, for benchmarks that watch a run."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

from training.trainer.progress import Advance, EpochBar

__all__ = ["TellingBar"]


class TellingBar(EpochBar):
    """Calls a function with the loss of each step."""

    def __init__(self, tell: Callable[[float], None]) -> None:
        super().__init__(Console(file=io.StringIO()))
        self._tell = tell

    @contextmanager
    def step(self, title: str, pictures: int) -> Iterator[Advance]:
        """See `EpochBar`; it is told the mean loss of the epoch so far."""
        steps, total = 0, 0.0
        with super().step(title, pictures) as advance:

            def told(count: int, /, **figures: float) -> None:
                nonlocal steps, total
                advance(count, **figures)
                if "loss" in figures:
                    steps += 1
                    self._tell(figures["loss"] * steps - total)
                    total = figures["loss"] * steps

            yield told
