"""`smserve gallery copy`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from smserve.cli.options import json_option
from smserve.cli.output import counted, print_json
from smserve.cli.place import PlaceParameter
from smserve.cli.progress import picture_progress

if TYPE_CHECKING:
    from smserve.gallery.milvus import MilvusAddress

__all__ = ["copy"]


@click.command()
@click.argument("source", type=PlaceParameter())
@click.argument("destination", type=PlaceParameter())
@json_option
def copy(*, source: Path | MilvusAddress, destination: Path | MilvusAddress, as_json: bool) -> None:
    """Copy the gallery SOURCE, a folder or milvus://HOST:PORT/NAME, to DESTINATION, where there is none yet.

    Nobody may write to SOURCE meanwhile. When it is interrupted, run it again: it goes on where it was. In the end the
    numbers of items are compared, 100 items whole, and how many of the 10 true neighbours of those a search finds.

    \b
    Examples:
      smserve gallery copy gallery/ milvus://127.0.0.1:19530/photos
      smserve gallery copy milvus://127.0.0.1:19530/photos gallery/
    """  # noqa: D301 - click wants a real backspace
    from smserve.indexing import copy_gallery

    with picture_progress("copying", None, unit="items") as progress:
        report = copy_gallery(source, destination, progress=progress)
    if as_json:
        print_json(report)
    click.echo(
        f"gallery {report.destination}: {counted(report.item_count, 'item')}, {report.copied:,} copied now, in "
        f"{report.seconds:.1f} s; {report.compared:,} compared, all the same, recall@10 {report.recall:.3f}",
        err=True,
    )
