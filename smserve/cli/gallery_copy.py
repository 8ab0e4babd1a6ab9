"""`smserve gallery copy`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from smserve.cli.model import fingerprint_at
from smserve.cli.options import json_option, model_option
from smserve.cli.output import counted, print_json
from smserve.cli.place import CopiedParameter
from smserve.cli.progress import staged_progress

if TYPE_CHECKING:
    from smserve.indexing import Place

__all__ = ["copy"]


@click.command()
@click.argument("source", type=CopiedParameter())
@click.argument("destination", type=CopiedParameter())
@model_option(required=False)
@json_option
def copy(*, source: Place, destination: Place, model: Path | None, as_json: bool) -> None:
    """Copy all items of SOURCE to DESTINATION, where there is nothing yet.

    Each is a gallery's folder, milvus://HOST:PORT/NAME, or a Parquet file, whose name ends in .parquet. Nobody may
    write to SOURCE meanwhile. When it is interrupted, run it again: it goes on where it was. In the end the numbers of
    items are compared, 100 items whole, and how many of the 10 true neighbours of those a search finds. A file that
    another program made needs the columns item_id and vector, and --model, the model that made the vectors.

    \b
    Examples:
      smserve gallery copy gallery/ milvus://127.0.0.1:19530/photos
      smserve gallery copy milvus://127.0.0.1:19530/photos photos.parquet
      smserve gallery copy photos.parquet gallery/
    """  # noqa: D301 - click wants a real backspace
    from smserve.indexing import copy_gallery

    model_fingerprint = None if model is None else fingerprint_at(model)
    with staged_progress(unit="items") as progress:
        report = copy_gallery(source, destination, model_fingerprint=model_fingerprint, progress=progress)
    if as_json:
        print_json(report)
    click.echo(
        f"{report.destination}: {counted(report.item_count, 'item')}, {report.copied:,} copied now, in "
        f"{report.seconds:.1f} s; {report.compared:,} compared, all the same, recall@10 {report.recall:.3f}",
        err=True,
    )
