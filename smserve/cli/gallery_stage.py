"""`smserve gallery stage`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from smserve.cli.connection import Connection, connection_options
from smserve.cli.gallery_here_or_served import check_one, fingerprint_option, gallery_or_server
from smserve.cli.inference_options import inference_options
from smserve.cli.model import fingerprint_at
from smserve.cli.options import json_option, model_option
from smserve.cli.output import counted, print_json, print_table
from smserve.cli.progress import growing_progress

if TYPE_CHECKING:
    from smserve.embedder import InferenceSettings
    from smserve.types.administration import StagingProgress

__all__ = ["stage"]


@click.command()
@gallery_or_server
@model_option(required=False)
@fingerprint_option
@click.option("--workers", type=click.IntRange(1, 256), show_default="number of cores", help="Threads that decode.")
@inference_options
@connection_options
@json_option
@click.pass_context
def stage(
    ctx: click.Context,
    *,
    gallery: Path | None,
    server: str | None,
    gallery_name: str,
    model: Path | None,
    fingerprint: str,
    workers: int | None,
    inference: InferenceSettings,
    connection: Connection,
    as_json: bool,
) -> None:
    """Embed every item of GALLERY again, with another model, beside the vectors in use.

    A server may search the gallery and write to it meanwhile; nothing that it answers changes. When it is interrupted,
    or the gallery is written to since, run it again: only what is missing is embedded. Pictures are read from where
    they lay when they were indexed; items whose picture is gone or has changed are listed, the exit code is 1, and the
    model can't be activated until they are written again or removed.

    With --server, the server does it, with a model of its --models, named by --fingerprint, or by --model and a copy of
    the file here.

    \b
    The way to another model:
      smserve gallery stage gallery/ --model new.onnx
      smserve gallery compare gallery/
      smserve gallery activate gallery/
      (restart the server with --model new.onnx)
    The same without a restart, where new.onnx lies in the server's --models:
      smserve gallery stage --server 127.0.0.1:50051 --model new.onnx
      smserve gallery activate --server 127.0.0.1:50051
    """  # noqa: D301 - click wants a real backspace
    check_one(gallery, server)
    if server is not None:
        if (model is None) == (not fingerprint):
            raise click.UsageError("with --server, give either --fingerprint SHA256 or --model FILE")
        last = _stage_served(connection, server, gallery_name, fingerprint or fingerprint_at(model or Path()))
        _print_served(last, server, as_json=as_json)
        if last.refused_count:
            ctx.exit(1)
        return
    if model is None or gallery is None or fingerprint:
        raise click.UsageError("with GALLERY, give --model FILE")
    if not _stage_here(gallery, model, inference, workers, as_json=as_json):
        ctx.exit(1)


def _stage_here(
    gallery: Path, model: Path, inference: InferenceSettings, workers: int | None, *, as_json: bool
) -> bool:
    """Stage in a folder; returns whether every item is embedded."""
    from smserve.indexing import stage_model

    with growing_progress("embedding") as progress:
        report = stage_model(gallery, model, inference=inference, workers=workers, progress=progress)
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
        _say_what_to_do(len(report.refused))
    else:
        click.echo(f"the stage holds every item; next: smserve gallery compare {gallery}", err=True)
    return report.is_level


def _stage_served(connection: Connection, server: str, gallery: str, fingerprint: str) -> StagingProgress:
    """Let a server stage; returns its last answer."""
    from smserve.errors import Unavailable

    last: StagingProgress | None = None
    with connection.open(server) as client, growing_progress("embedding") as progress:
        for last in client.stage_model(fingerprint, gallery=gallery):
            progress(last.embedded_count, last.total_count)
    if last is None or not (last.ready or last.refused_count):
        raise Unavailable(f"{server} ended before every item was embedded; run the same command again")
    return last


def _print_served(last: StagingProgress, server: str, *, as_json: bool) -> None:
    if as_json:
        print_json(last)
    elif last.refused:
        print_table(["item", "source", "why"], [[each.item_id, each.source_uri, each.message] for each in last.refused])
    click.echo(
        f"gallery {last.gallery}: {counted(last.embedded_count, 'item')} embedded with model {last.model_fingerprint}",
        err=True,
    )
    if last.refused_count:
        _say_what_to_do(last.refused_count)
    else:
        click.echo(f"the stage holds every item; next: smserve gallery activate --server {server}", err=True)


def _say_what_to_do(refused: int) -> None:
    click.echo(
        f"{counted(refused, 'item')} can't be embedded: write each again with its picture, or remove it, then run this "
        f"again",
        err=True,
    )
