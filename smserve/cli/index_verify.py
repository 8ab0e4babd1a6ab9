"""`smserve index verify`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from smserve.cli.gallery_target import folder_option
from smserve.cli.options import json_option
from smserve.cli.output import counted, print_json, print_table

if TYPE_CHECKING:
    from smserve.gallery.findings import Verification

__all__ = ["print_findings", "verify"]


@click.command()
@folder_option
@json_option
@click.pass_context
def verify(ctx: click.Context, *, gallery: Path, as_json: bool) -> None:
    """Look for damage in every byte that a gallery depends on.

    Rows, thumbnails, indexes, generations and the small files are verified, and whether they fit each other; so are
    those of the staged model and of the one before. Nothing is changed, and a server may use the gallery meanwhile.
    Ends with exit code 1 when something has an effect; the table says which. `smserve index repair` does what can be
    done about it.

    \b
    Examples:
      smserve index verify --gallery gallery/
      smserve index verify --gallery gallery/ --json
    """  # noqa: D301 - click wants a real backspace
    from smserve.gallery.verify import verify_gallery

    found = verify_gallery(gallery)
    if as_json:
        print_json(
            {
                "gallery": str(found.gallery),
                "sound": found.is_sound,
                "items": found.item_count,
                "sequence": found.sequence,
                "generations": found.generations,
                "others": found.others,
                "findings": found.findings,
            }
        )
    else:
        print_findings(found)
    generations = ", ".join(map(str, found.generations)) or "none"
    others = "".join(f"; {each.state} model: {counted(each.item_count, 'sound item')}" for each in found.others)
    click.echo(
        f"gallery {gallery}: {counted(found.item_count, 'sound item')}, sound generations: {generations}{others}; "
        + ("nothing is wrong" if found.is_sound else counted(len(found.findings), "finding")),
        err=True,
    )
    if not found.is_sound:
        ctx.exit(1)


def print_findings(found: Verification) -> None:
    """Print what is wrong as a table; nothing where nothing is."""
    if found.findings:
        rows = [[each.place, each.problem, str(each.effect)] for each in found.findings]
        print_table(["where", "what is wrong", "effect"], rows)
