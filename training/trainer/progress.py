"""What a person sees while a run goes on: a bar on a terminal, and a line an epoch everywhere."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

__all__ = ["Advance", "EpochBar"]


class Advance(Protocol):
    """Moves a bar on by a number of pictures; further figures are shown beside it."""

    def __call__(self, pictures: int, /, **figures: float) -> None:
        """Move on."""


class EpochBar:
    """Shows the progress of epochs on a console; off a terminal only the line an epoch."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, highlight=False)

    @contextmanager
    def step(self, title: str, pictures: int) -> Iterator[Advance]:
        """Show a bar over `pictures` inside the block."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(),
        )
        disable = not self._console.is_terminal
        with Progress(*columns, console=self._console, transient=True, disable=disable) as progress:
            task = progress.add_task(title, total=pictures, rate="", figures="")

            def advance(count: int, /, **figures: float) -> None:
                text = "  ".join(f"{name} {value:.3f}" for name, value in figures.items())
                speed = progress.tasks[0].speed
                rate = f"{speed:.0f} pictures/s" if speed else ""
                progress.update(task, advance=count, rate=rate, figures=text)

            yield advance

    def finished_epoch(self, record: Mapping[str, Any], epochs: int) -> None:
        """Print an epoch's figures in one line."""
        parts = [
            f"epoch {record['epoch']}/{epochs}",
            f"loss {record['loss']:.4f}",
            f"active {record['active_share']:.3f}",
        ]
        if record["difficulty"] is not None:
            parts.append(f"difficulty {record['difficulty']:.3g}")
        if record["validation_recall_at_1"] is not None:
            parts.append(f"validation Recall@1 {record['validation_recall_at_1']:.3f}")
        parts.append(f"{record['pictures_per_s']:.0f} pictures/s")
        parts.append(f"{record['epoch_s']:.0f} s")
        self._console.print("  ".join(parts), soft_wrap=True)
