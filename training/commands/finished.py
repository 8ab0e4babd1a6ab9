"""`python -m training evaluate` and `export`: what is done with a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from training.commands.options import DATA_DIR, DEVICE, RUN
from training.console import choose_device, show_figures, stage_progress

if TYPE_CHECKING:
    from training.datasets import Dataset, Progress
    from training.trainer import RunFolder

__all__ = ["evaluate", "export"]


@click.command()
@RUN
@click.option("--untrained", is_flag=True, show_default=False, help="Judge the backbone's own pooled features instead.")
@click.option("--json", "as_json", is_flag=True, show_default=False, help="Print one JSON document.")
@DATA_DIR
@DEVICE
def evaluate(run: Path, *, untrained: bool, as_json: bool, data_dir: Path, device: str) -> None:
    """Measure a run's Recall@K, MAP@R and NMI on its test classes."""
    from training.trainer import RunFolder, evaluate_run

    folder = RunFolder(run)
    with stage_progress() as progress:
        figures = evaluate_run(
            folder,
            _dataset_of(folder, data_dir, progress),
            cache_dir=data_dir / "decoded",
            device=choose_device(device),
            progress=progress,
            untrained=untrained,
        )
    if as_json:
        click.echo(json.dumps(figures))
    else:
        show_figures(figures)


@click.command()
@RUN
@click.option("--untrained", is_flag=True, show_default=False, help="Export the backbone's own pooled features.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    show_default="RUN/model.onnx",
    help="The file to write.",
)
@DATA_DIR
def export(run: Path, *, untrained: bool, output: Path | None, data_dir: Path) -> None:
    """Write a run's model file, once ONNX Runtime is seen to compute what torch does."""
    from training.trainer import RunFolder, export_run

    folder = RunFolder(run)
    folder.read_config()
    if output is None:
        output = folder.path / "untrained.onnx" if untrained else folder.model_file
    with stage_progress() as progress:
        fingerprint = export_run(
            folder,
            _dataset_of(folder, data_dir, progress),
            output,
            cache_dir=data_dir / "decoded",
            progress=progress,
            untrained=untrained,
        )
    click.echo(f"wrote {output} ({output.stat().st_size:,} bytes), fingerprint {fingerprint}")


def _dataset_of(folder: RunFolder, data_dir: Path, progress: Progress) -> Dataset:
    """Return the data set that a run was trained on, accepted as the run accepted it."""
    from training.datasets import load_dataset

    _, name = folder.read_config()
    return load_dataset(name, data_dir, progress=progress, **folder.accepted())
