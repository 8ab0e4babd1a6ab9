"""`smserve index add`."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from smserve.cli.connection import Connection, connection_options
from smserve.cli.failures import EXIT_PARTIAL
from smserve.cli.gallery_target import check_target, target_options
from smserve.cli.inference_options import inference_options
from smserve.cli.options import file_path, json_option, model_option
from smserve.cli.output import counted, print_json
from smserve.cli.progress import picture_progress

if TYPE_CHECKING:
    from smserve.embedder import InferenceSettings
    from smserve.gallery.milvus import MilvusAddress
    from smserve.indexing import AddReport, SourceItem

__all__ = ["add"]

_SHOWN = 10  # pictures that could not be read


@click.command()
@model_option(required=False)
@click.option(
    "--images",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Add every JPEG, PNG and WebP below this folder; an item's id is its path in it.",
)
@click.option(
    "--csv",
    "csv_file",
    type=file_path,
    metavar="CSV",
    help="Add the pictures that this file lists; columns as for `smserve index build`.",
)
@target_options
@click.option("--workers", type=click.IntRange(1, 256), show_default="number of cores", help="Threads that decode.")
@inference_options
@click.option(
    "--no-thumbnails", is_flag=True, show_default=False, help="With --gallery: store no thumbnails of what is added."
)
@connection_options
@json_option
@click.pass_context
def add(
    ctx: click.Context,
    *,
    model: Path | None,
    images: Path | None,
    csv_file: Path | None,
    gallery: Path | MilvusAddress | None,
    server: str | None,
    gallery_name: str,
    workers: int | None,
    inference: InferenceSettings,
    no_thumbnails: bool,
    connection: Connection,
    as_json: bool,
) -> None:
    """Add pictures to a gallery: those that it lacks, and those that have changed.

    A picture that is stored with the same bytes, place, label and payload is not embedded again; one of the same id and
    other content is replaced; what is stored and not among the pictures stays. Searches of a running server see each
    picture as soon as it is stored. Ends with exit code 3 when some pictures could not be read, which are listed.

    \b
    Examples:
      smserve index add --model model.onnx --images photos/ --gallery gallery/
      smserve index add --csv catalogue.csv --server 127.0.0.1:50051
    """  # noqa: D301 - click wants a real backspace
    if (images is None) == (csv_file is None):
        raise click.UsageError("give either --images DIR or --csv FILE")
    check_target(gallery, server)
    if (gallery is None) != (model is None):
        raise click.UsageError("--gallery wants the gallery's own --model; --server has its model")
    from smserve.indexing import add_pictures, items_from_csv, pictures_in

    sources = pictures_in(images) if images is not None else items_from_csv(csv_file or Path())
    with picture_progress("adding", len(sources)) as progress:
        if gallery is not None and model is not None:
            report = add_pictures(
                model=model,
                sources=sources,
                gallery=gallery,
                inference=inference,
                workers=workers,
                thumbnails=not no_thumbnails,
                progress=progress,
            )
        else:
            report = _through_server(server or "", gallery_name, sources, connection, progress)
    if as_json:
        print_json({**asdict(report), "images_per_s": report.images_per_s})
    click.echo(
        f"gallery {report.gallery}: {report.added:,} added, {report.unchanged:,} unchanged, "
        f"{counted(report.items, 'item')} in all, generation {report.generation}, in {report.seconds:.1f} s",
        err=True,
    )
    for each in report.unreadable[:_SHOWN]:
        click.echo(f"left out: {each.path}: {each.reason}", err=True)
    if report.unreadable:
        click.echo(f"left out, since they could not be read: {len(report.unreadable):,}", err=True)
        ctx.exit(EXIT_PARTIAL)


def _through_server(
    server: str, name: str, sources: list[SourceItem], connection: Connection, progress: Callable[[int], None]
) -> AddReport:
    """Send pictures to a running server; the report is of the same kind as without one."""
    from smserve.client import PictureFile, add_pictures
    from smserve.indexing import AddReport, Unreadable

    started = time.monotonic()
    files = [
        PictureFile(item_id=item.item_id, path=item.path, label=item.label, payload=item.payload) for item in sources
    ]
    with connection.open(server) as client:
        outcome = add_pictures(client, files, gallery=name, progress=progress)
        counts = client.count(gallery=name)
    return AddReport(
        gallery=counts.gallery,
        generation=counts.generation,
        items=counts.total,
        added=outcome.added,
        unchanged=outcome.unchanged,
        unreadable=tuple(
            Unreadable(item_id=each.item_id, path=str(each.path), reason=each.message) for each in outcome.failures
        ),
        seconds=time.monotonic() - started,
        model_fingerprint=counts.model_fingerprint,
    )
