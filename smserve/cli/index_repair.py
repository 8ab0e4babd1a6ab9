"""`smserve index repair`."""

from pathlib import Path

import click

from smserve.cli.gallery_target import folder_option
from smserve.cli.index_verify import print_findings
from smserve.cli.options import json_option
from smserve.cli.output import counted, print_json

__all__ = ["repair"]


@click.command()
@folder_option
@click.option(
    "--accept-loss",
    is_flag=True,
    show_default=False,
    help="Go on without what can't be read any more. Without this nothing is given up: it is listed, and the gallery "
    "stays as it is.",
)
@json_option
@click.pass_context
def repair(ctx: click.Context, *, gallery: Path, accept_loss: bool, as_json: bool) -> None:
    """Do what can be done about the damage of a gallery, and list what can't.

    Damaged generations are made again from the rows, damaged indexes and small files from what they were made of. What
    is replaced is kept in the folder "damaged" of the gallery. A damaged model that is not in use is listed alone: it
    can be discarded and staged anew. No server may have it open. Ends with exit code 1 when
    something is still wrong.

    \b
    Examples:
      smserve index repair --gallery gallery/
      smserve index repair --gallery gallery/ --accept-loss
    """  # noqa: D301 - click wants a real backspace
    from smserve.gallery.repair import repair_gallery

    report = repair_gallery(gallery, accept_loss=accept_loss)
    if as_json:
        print_json(
            {
                "gallery": str(gallery),
                "sound": report.after.is_sound,
                "done": report.done,
                "lost": report.lost,
                "kept": str(report.aside) if report.aside else None,
                "findings": report.after.findings,
            }
        )
    else:
        for line in report.done:
            click.echo(line)
        print_findings(report.after)
    for line in report.lost:
        click.echo(f"lost: {line}", err=True)
    if report.aside is not None:
        click.echo(f"what was replaced is kept in {report.aside}", err=True)
    if report.after.is_sound:
        click.echo(f"gallery {gallery} is sound: {counted(report.after.item_count, 'item')}", err=True)
        return
    if report.lost and not accept_loss:
        click.echo("nothing was given up: restore the gallery from a copy, or go on with --accept-loss", err=True)
    ctx.exit(1)
