"""`smserve serve`."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from smserve.cli.gallery_option import GalleryParameter
from smserve.cli.options import folder_path, model_option
from smserve.config import (
    CHECK_EVERY,
    DECODED_BYTES_IN_FLIGHT,
    DEFAULT_HOST,
    DEFAULT_MAX_STREAMS,
    DEFAULT_MAX_WAITING,
    DEFAULT_PORT,
)

if TYPE_CHECKING:
    from smserve.engine import Engine
    from smserve.server import Server

__all__ = ["serve"]

_MIB: Final = 2**20


@click.command()
@model_option(required=True)
@click.option(
    "--gallery",
    "galleries",
    type=GalleryParameter(),
    multiple=True,
    metavar="[NAME=]DIR",
    show_default=False,
    help="A gallery to search, named as its folder unless NAME is given; repeat for more, the first is the default. "
    "Without one, the server only embeds and compares.",
)
@click.option(
    "--galleries",
    "folder",
    type=folder_path,
    metavar="DIR",
    help="Serve every gallery in this folder, too, each named as its subfolder. Here, and only here, clients can make "
    "galleries and drop them; further names for galleries are kept here.",
)
@click.option(
    "--models",
    type=folder_path,
    metavar="DIR",
    help="Further models, as *.onnx, for galleries made with another model than --model, and to stage and activate "
    "while serving. Files may be added at any time; one is loaded when it is asked for.",
)
@click.option(
    "--read-only",
    is_flag=True,
    show_default=False,
    help="Refuse writes, and follow within a second what another process writes; by default this server is the one "
    "that writes.",
)
@click.option(
    "--check-recall-every",
    "check_every",
    type=click.IntRange(0),
    default=CHECK_EVERY,
    metavar="N",
    help="Repeat one search in N exactly, aside, and show the recall in `smserve info`; 0 for none.",
)
@click.option("--host", default=DEFAULT_HOST, help="Address to bind; 0.0.0.0 lets other machines in, without keys.")
@click.option("--port", type=click.IntRange(0, 65535), default=DEFAULT_PORT, help="Port to bind; 0 takes a free one.")
@click.option(
    "--max-in-flight",
    type=click.IntRange(1, 1024),
    show_default="number of cores, and one",
    help="Calls that run at the same time.",
)
@click.option(
    "--max-waiting",
    type=click.IntRange(0, 4096),
    default=DEFAULT_MAX_WAITING,
    help="Calls that wait for others to end; further ones are told to try again.",
)
@click.option(
    "--max-streams",
    type=click.IntRange(0, 1024),
    default=DEFAULT_MAX_STREAMS,
    help="Streams that may be open at a time.",
)
@click.option(
    "--max-decoded-mib",
    type=click.IntRange(1),
    default=DECODED_BYTES_IN_FLIGHT // _MIB,
    metavar="MIB",
    help="Memory for pictures being decoded at a time; further ones wait.",
)
@click.option(
    "--open-inference",
    is_flag=True,
    show_default=False,
    help="Answer the Open Inference Protocol (KServe V2 over gRPC), too.",
)
@click.option(
    "--drain-delay",
    "drain_delay_s",
    type=click.FloatRange(0, 3600),
    metavar="SECONDS",
    show_default="0 on a loopback address, else 5",
    help="At shutdown, time between telling health checks and refusing calls.",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"], case_sensitive=False),
    default="info",
    help="info logs a line for each call, to standard error.",
)
def serve(
    *,
    model: Path,
    galleries: tuple[tuple[str, Path], ...],
    folder: Path | None,
    models: Path | None,
    read_only: bool,
    check_every: int,
    host: str,
    port: int,
    max_in_flight: int | None,
    max_waiting: int,
    max_streams: int,
    max_decoded_mib: int,
    open_inference: bool,
    drain_delay_s: float | None,
    log_level: str,
) -> None:
    """Serve a model and its galleries over gRPC until SIGTERM or Ctrl-C.

    Prints one line, "listening on HOST:PORT", once it answers. The first signal finishes running calls, a second one
    stops at once.

    \b
    Examples:
      smserve serve --model model.onnx --gallery gallery/
      smserve serve --model model.onnx --gallery birds=g1/ --gallery cars=g2/ --port 0
      smserve serve --model model.onnx --galleries galleries/ --models models/
    """  # noqa: D301 - click wants a real backspace
    from smserve.server import ServerSettings, open_engine
    from smserve.server import serve as run

    logging.basicConfig(level=log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True)
    settings = ServerSettings(
        host=host,
        port=port,
        max_waiting=max_waiting,
        max_streams=max_streams,
        drain_delay_s=drain_delay_s,
        open_inference=open_inference,
    )
    if max_in_flight is not None:
        settings = replace(settings, max_in_flight=max_in_flight)

    def announce(server: Server) -> None:
        click.echo(f"listening on {server.address}")

    def engine() -> Engine:
        return open_engine(
            model,
            galleries,
            folder=folder,
            models=models,
            writable=not read_only,
            check_every=check_every,
            decoded_bytes_in_flight=max_decoded_mib * _MIB,
        )

    run(settings, engine, announce)
