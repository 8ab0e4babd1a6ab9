"""What the commands show: progress of long steps, data sets in a line, figures as a table."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

from smserve.errors import Unavailable

if TYPE_CHECKING:
    import torch

    from training.datasets import Dataset, Progress

__all__ = ["choose_device", "describe", "is_shown", "say", "show_figures", "stage_progress"]


def is_shown() -> bool:
    """Whether this process shows what happens: of several that torchrun started, the first one does."""
    return os.environ.get("RANK", "0") == "0"


def say(line: str) -> None:
    """Print a line on standard error, once for all processes."""
    if is_shown():
        click.echo(line, err=True)


def choose_device(name: str) -> torch.device:
    """Return the device of a name; "auto" is CUDA when there is one. Processes on one machine take a CUDA device each.

    Raises:
        Unavailable: CUDA is asked for and not there.
    """
    import torch

    if name == "cuda" and not torch.cuda.is_available():
        raise Unavailable("device cuda was asked for, and torch finds none; use --device cpu or auto")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cpu":
        return torch.device(name)
    number, there = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
    if number >= there:
        raise Unavailable(
            f"torchrun started process {number + 1} on this machine, which has {there} CUDA devices; use "
            f"--nproc-per-node {there}, or --device cpu"
        )
    torch.cuda.set_device(number)
    return torch.device("cuda", number)


def describe(data: Dataset) -> str:
    """Return the sizes of the splits."""
    return ", ".join(
        f"{name} {len(part):,} pictures of {len(set(part.labels.tolist())):,} classes"
        for name, part in data.splits.items()
    )


def show_figures(figures: Mapping[str, Any]) -> None:
    """Print figures on the test classes, once for all processes."""
    for name, value in figures.items() if is_shown() else ():
        click.echo(f"{name:<14}{value:.4f}" if isinstance(value, float) else f"{name:<14}{value:,}")


@contextmanager
def stage_progress() -> Iterator[Progress]:
    """Show a bar a step on standard error; off a terminal, a line when a step begins."""
    console = Console(stderr=True, highlight=False, quiet=not is_shown())
    tasks: dict[str, TaskID] = {}
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn(), TimeRemainingColumn())
    with RichProgress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:

        def report(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=total)
                if not console.is_terminal:
                    console.print(step)
            bars.update(tasks[step], completed=done, total=total)

        yield report
