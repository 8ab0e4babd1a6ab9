"""`smserve gallery stage`."""

from dataclasses import asdict
from pathlib import Path

import click

from smserve.cli.options import gallery_argument, json_option, model_option
from smserve.cli.output import counted, print_json, print_table
from smserve.cli.progress import growing_progress

__all__ = ["stage"]


@click.command()
@gallery_argument
@model_option(required=True)
@click.option("--workers", type=click.IntRange(1, 256), show_default="number of cores", help="Threads that decode.")
@json_option
@click.pass_context
def stage(ctx: click.Context, *, gallery: Path, model: Path, workers: int | None, as_json: bool) -> None:
    """Embed every item of GALLERY again, with another model, beside the vectors in use.

    A server may search the gallery and write to it meanwhile; nothing that it answers changes. When it is interrupted,
    or the gallery is written to since, run it again: only what is missing is embedded. Pictures are read from where
    they lay when they were indexed; items whose picture is gone or has changed are listed, the exit code is 1, and the
    model can't be activated until they are written again or removed.

    \b
    The way to another model:
      smserve gallery stage gallery/ --model new.onnx
      smserve gallery compare gallery/
      smserve gallery activate gallery/
      (restart the server with --model new.onnx)
    """  # noqa: D301 - click wants a real backspace
    from smserve.indexing import stage_model

    with growing_progress("embedding") as progress:
        report = stage_model(gallery, model, workers=workers, progress=progress)
    if as_json:
        print_json({**asdict(report), "is_level": report.is_level})
    elif report.refused:
        print_table(["item", "source", "why"], [[each.item_id, each.path, each.reason] for each in report.refused])
    click.echo(
        f"gallery {gallery}: {counted(report.embedded, 'item')} embedded with model {report.model_fingerprint}, "
        f"{report.deleted:,} that are gone removed from the stage",
        err=True,
    )
    if report.refused:
        click.echo(
            f"{counted(len(report.refused), 'item')} can't be embedded: write each again with its picture, or remove "
            f"it, then run this again",
            err=True,
        )
        ctx.exit(1)
    click.echo(f"the stage holds every item; next: smserve gallery compare {gallery}", err=True)
