"""`smserve index remove`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from smserve.cli.connection import Connection, connection_options
from smserve.cli.gallery_target import open_target, target_options
from smserve.cli.options import json_option
from smserve.cli.output import counted, print_json

if TYPE_CHECKING:
    from smserve.gallery.milvus import MilvusAddress

__all__ = ["remove"]


@click.command()
@click.argument("item_ids", nargs=-1, metavar="[ID]...")
@click.option("--filter", "filter_text", metavar="FILTER", help="Remove what matches, for example 'label = \"apple\"'.")
@target_options
@connection_options
@json_option
def remove(
    *,
    item_ids: tuple[str, ...],
    filter_text: str | None,
    gallery: Path | MilvusAddress | None,
    server: str | None,
    gallery_name: str,
    connection: Connection,
    as_json: bool,
) -> None:
    """Remove items from a gallery, by id or by filter; ids that are not there are no error.

    \b
    Examples:
      smserve index remove cats/7.jpg cats/8.jpg --gallery gallery/
      smserve index remove --filter 'label = "cat" and exists(sold)' --server 127.0.0.1:50051
    """  # noqa: D301 - click wants a real backspace
    if bool(item_ids) == (filter_text is not None):
        raise click.UsageError("give either IDs or --filter FILTER")
    from smserve.filters import parse_filter

    filter = None if filter_text is None else parse_filter(filter_text)
    with open_target(gallery, server, gallery_name, connection) as target:
        removed = target.delete(item_ids, filter)
    if as_json:
        print_json({"removed": removed})
    click.echo(f"removed {counted(removed, 'item')}", err=True)
