"""`python -m training report`: one page of a run, or of several side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from smserve.errors import SmserveError
from training.commands.options import DATA_DIR, DEVICE
from training.commands.repeat import repeat_command
from training.commands.run_data import load_run_data
from training.console import choose_device, say, stage_progress

if TYPE_CHECKING:
    from training.datasets import Dataset
    from training.trainer import RunFolder

__all__ = ["report", "report_of_run", "write_report"]


@click.command()
@click.argument("runs", type=click.Path(file_okay=False, path_type=Path), nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    show_default="RUN/report.html; of several, report.html",
    help="The page to write.",
)
@DATA_DIR
@DEVICE
def report(runs: Sequence[Path], *, output: Path | None, data_dir: Path, device: str) -> None:
    """Write one self-contained page of a finished run, or of several side by side.

    \b
    Examples:
      python -m training report runs/photos
      python -m training report runs/emoji runs/emoji-random -o comparison.html
    """  # noqa: D301 - click wants a real backspace
    from training.trainer import RunFolder

    folders = [RunFolder(run) for run in runs]
    if output is None:
        output = folders[0].report_file if len(folders) == 1 else Path("report.html")
    write_report(folders, output, data_dir=data_dir, device=device)
    click.echo(f"wrote {output} ({output.stat().st_size:,} bytes)")


def write_report(
    folders: Sequence[RunFolder], output: Path, *, data_dir: Path, device: str, data: Dataset | None = None
) -> None:
    """Write the page of finished runs.

    Args:
        folders: Of the runs.
        output: The page; one that is there is replaced.
        data_dir: Where data sets are kept.
        device: As `choose_device` takes it.
        data: The data set of the runs, where it is loaded already.

    Raises:
        SmserveError: A run is not finished, its data is not there, or the page can't be written.
    """
    from training.durable import write_whole
    from training.report import check_runs, render_page
    from training.trainer import gather_report

    check_runs([folder.path.name for folder in folders])  # before the networks run
    loaded: dict[str, Dataset] = {}
    gathered = []
    with stage_progress() as progress:
        for folder in folders:
            key = f"{folder.read_config()[1]} {folder.accepted()}"
            if key not in loaded:
                loaded[key] = data or load_run_data(folder, data_dir, progress)
            found = gather_report(
                folder,
                loaded[key],
                command=repeat_command(folder),
                cache_dir=data_dir / "decoded",
                device=choose_device(device),
                progress=progress,
                share=len(folders),
            )
            gathered.append(found)
    try:
        write_whole(output, render_page(gathered).encode())
    except OSError as error:
        raise SmserveError(
            f"report {output} can't be written ({error.strerror}); see that the folder can be written and has room, "
            f"or choose another with --output"
        ) from None


def report_of_run(folder: RunFolder, *, data: Dataset, data_dir: Path, device: str) -> None:
    """Write a finished run's page, unless it has one; what goes wrong is said, and the run is as good without."""
    page = folder.report_file
    if page.exists() and page.stat().st_mtime >= folder.evaluation_file.stat().st_mtime:
        return
    try:
        write_report([folder], page, data_dir=data_dir, device=device, data=data)
    except SmserveError as error:
        say(f"no report: {error.message}; again with: python -m training report {folder.path}")
    else:
        say(f"report: {page}")
