"""`smserve health`."""

from __future__ import annotations

import click

from smserve.cli.connection import Connection, connection_options
from smserve.cli.options import json_option, server_option
from smserve.cli.output import print_json

__all__ = ["health"]

_READY = "smserve.v1.RetrievalService"


@click.command()
@server_option
@click.option(
    "--service",
    default=_READY,
    metavar="NAME",
    help='Ask for this one\'s health; "" for the server as a whole.',
)
@connection_options
@json_option
@click.pass_context
def health(ctx: click.Context, *, server: str, service: str, connection: Connection, as_json: bool) -> None:
    """Ask whether a server is ready: exit code 0 if it is, 1 if not or if nobody answers.

    For probes, as Docker's HEALTHCHECK; it needs no key. Where a server speaks TLS, ask its --health-port, which
    does not.

    \b
    Example:
      smserve health --server 127.0.0.1:50052 --timeout 3
    """  # noqa: D301 - click wants a real backspace
    status = connection.health(server, service)
    if as_json:
        print_json({"server": server, "service": service, "status": status})
    else:
        click.echo(status)
    if status != "SERVING":
        ctx.exit(1)
