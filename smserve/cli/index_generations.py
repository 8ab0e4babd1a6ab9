"""`smserve index generations`, `compact` and `rollback`: what a gallery is searched with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from smserve.cli.connection import Connection, connection_options
from smserve.cli.gallery_target import open_target, target_options
from smserve.cli.options import json_option
from smserve.cli.output import counted, print_json, print_table

if TYPE_CHECKING:
    from smserve.gallery.milvus import MilvusAddress
    from smserve.types import GenerationInfo

__all__ = ["compact", "generations", "rollback"]


@click.command()
@target_options
@connection_options
@json_option
def generations(
    *,
    gallery: Path | MilvusAddress | None,
    server: str | None,
    gallery_name: str,
    connection: Connection,
    as_json: bool,
) -> None:
    """List the generations that a gallery keeps, newest first."""
    with open_target(gallery, server, gallery_name, connection) as target:
        found = target.generations()
    if as_json:
        print_json(found)
        return
    rows = [
        [
            f"{each.number}",
            f"{each.item_count}",
            f"{each.last_sequence}",
            each.index,
            "current" if each.current else "previous" if each.previous else "",
        ]
        for each in found
    ]
    print_table(["generation", "items", "last write", "index", ""], rows, numeric=["generation", "items", "last write"])


@click.command()
@target_options
@connection_options
@json_option
def compact(
    *,
    gallery: Path | MilvusAddress | None,
    server: str | None,
    gallery_name: str,
    connection: Connection,
    as_json: bool,
) -> None:
    """Fold what was written since into a new generation.

    Searches go on. A running server does it by itself when a tenth of the gallery, and 10,000 items at least, were
    written. After `smserve index tune` the new generation gets the chosen index.
    """
    with open_target(gallery, server, gallery_name, connection) as target:
        info = target.compact()
    _print(info, as_json=as_json)


@click.command()
@target_options
@click.option("--expected", type=int, metavar="N", help="Do nothing where another generation than N is in use.")
@connection_options
@json_option
def rollback(
    *,
    gallery: Path | MilvusAddress | None,
    server: str | None,
    gallery_name: str,
    expected: int | None,
    connection: Connection,
    as_json: bool,
) -> None:
    """Go back to the generation that was in use before.

    What was written since stays found: a generation is an index, not a backup. No new one is made by itself after that,
    until `smserve index compact`. Going back twice leads to where it began.
    """
    with open_target(gallery, server, gallery_name, connection) as target:
        info = target.roll_back(expected)
    _print(info, as_json=as_json)


def _print(info: GenerationInfo, *, as_json: bool) -> None:
    if as_json:
        print_json(info)
    click.echo(f"generation {info.number} is in use: {counted(info.item_count, 'item')}, index {info.index}", err=True)
