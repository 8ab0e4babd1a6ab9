"""Progress bars on standard error; silent where that is no terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["growing_progress", "measuring_progress", "picture_progress", "staged_progress"]


@contextmanager
def picture_progress(verb: str, total: int | None, *, unit: str = "images") -> Iterator[Callable[[int], None]]:
    """Yield a function that takes the number of pictures, or of what `unit` says, done so far."""
    with growing_progress(verb, unit=unit) as show:
        yield lambda done: show(done, total)


@contextmanager
def growing_progress(verb: str, *, unit: str = "images") -> Iterator[Callable[[int, int | None], None]]:
    """Yield a function that takes the number done so far, and of how many, as far as that is known by now."""
    with staged_progress(unit=unit) as show:
        show(verb, 0, None)
        yield lambda done, total: show(verb, done, total)


@contextmanager
def staged_progress(*, unit: str = "images") -> Iterator[Callable[[str, int, int | None], None]]:
    """Yield a function that takes what is done now, the number done so far, and of how many; each gets its bar."""
    if not sys.stderr.isatty():
        yield lambda what, done, total: None  # noqa: ARG005 - nobody looks
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TaskID,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Speed(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.finished_speed or task.speed or 0:,.0f} {unit}/s")

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Speed(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        tasks: dict[str, TaskID] = {}

        def show(what: str, done: int, total: int | None) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=total)
            progress.update(tasks[what], completed=done, total=total)

        yield show


@contextmanager
def measuring_progress() -> Iterator[Callable[[int, int, str], None]]:
    """Yield a function that takes the number of measurements done, of how many, and what is measured now."""
    if not sys.stderr.isatty():
        yield lambda done, total, what: None  # noqa: ARG005 - nobody looks
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("measuring"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total, what: bar.update(task, completed=done, total=total, description=what)
