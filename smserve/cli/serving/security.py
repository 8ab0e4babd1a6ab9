"""Options of `smserve serve`: who may connect, and call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from smserve.cli.option_group import option_group
from smserve.cli.options import file_path, new_file_path

if TYPE_CHECKING:
    from smserve.server import Security

__all__ = ["security_options"]


def _security(**values: Any) -> Security:
    from smserve.server import Security

    return Security(**values)


security_options = option_group(
    "security",
    _security,
    click.option(
        "--tls-certificate",
        type=file_path,
        metavar="FILE",
        help="PEM: the server's certificate, then those that signed it. Read again for each new connection.",
    ),
    click.option("--tls-key", type=file_path, metavar="FILE", help="PEM: its private key."),
    click.option(
        "--tls-client-ca",
        type=file_path,
        metavar="FILE",
        help="PEM: authorities; a client must show a certificate of one of them. Probes, too: see --health-port.",
    ),
    click.option(
        "--keys",
        type=new_file_path,  # where there is none, the server says how to make one
        metavar="FILE",
        help="API keys, as `smserve keys create` writes them; a call must bring one of them. Read again when it "
        "changes.",
    ),
    click.option(
        "--insecure",
        is_flag=True,
        show_default=False,
        help="Let other machines connect without TLS, or without keys and client certificates.",
    ),
    click.option(
        "--health-port",
        type=click.IntRange(0, 65535),
        metavar="PORT",
        help="Answer health, and nothing else, on this port, too, without TLS: for probes. 0 takes a free one.",
    ),
)
