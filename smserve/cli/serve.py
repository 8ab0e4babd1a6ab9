"""`smserve serve`."""

import logging
from pathlib import Path

import click

from smserve.cli.gallery_option import GalleryParameter
from smserve.cli.options import model_option
from smserve.config import CHECK_EVERY, DEFAULT_HOST, DEFAULT_PORT

__all__ = ["serve"]


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
    show_default="number of cores, at least 4",
    help="Calls that run at the same time; 64 more wait, and further ones are told to try again.",
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
    read_only: bool,
    check_every: int,
    host: str,
    port: int,
    max_in_flight: int | None,
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
    """  # noqa: D301 - click wants a real backspace
    from smserve.server import Server, ServerSettings, open_engine
    from smserve.server import serve as run

    logging.basicConfig(level=log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True)
    settings = ServerSettings(host=host, port=port, drain_delay_s=drain_delay_s)
    if max_in_flight is not None:
        settings = ServerSettings(host=host, port=port, drain_delay_s=drain_delay_s, max_in_flight=max_in_flight)

    def announce(server: Server) -> None:
        click.echo(f"listening on {server.address}")

    run(settings, lambda: open_engine(model, galleries, writable=not read_only, check_every=check_every), announce)
