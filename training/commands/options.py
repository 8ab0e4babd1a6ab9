"""Options that several commands take, and the folder of a run as an argument."""

from pathlib import Path

import click

__all__ = ["ALLOW_SUBSET", "DATA_DIR", "DEVICE", "RUN", "RUN_DIR"]

DATA_DIR = click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("data"),
    help="Where fetched data sets and decoded pictures are kept.",
)
RUN_DIR = click.option(
    "--run-dir", type=click.Path(file_okay=False, path_type=Path), default=Path("runs"), help="Of all runs."
)
RUN = click.argument("run", type=click.Path(file_okay=False, path_type=Path))
DEVICE = click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", help="auto: CUDA when there is one."
)
ALLOW_SUBSET = click.option(
    "--allow-subset",
    is_flag=True,
    show_default=False,
    help="Accept a part of a published data set, to try things out on.",
)
