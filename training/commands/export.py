"""`python -m training export`: the model file of a run."""

from __future__ import annotations

from pathlib import Path

import click

from training.commands.options import DATA_DIR, RUN
from training.commands.run_data import load_run_data
from training.console import stage_progress

__all__ = ["export"]


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
            load_run_data(folder, data_dir, progress),
            output,
            cache_dir=data_dir / "decoded",
            progress=progress,
            untrained=untrained,
        )
    click.echo(f"wrote {output} ({output.stat().st_size:,} bytes), fingerprint {fingerprint}")
