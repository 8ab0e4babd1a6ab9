"""How a command connects to a server: TLS, a key, and how long it waits."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from smserve.cli.option_group import option_group
from smserve.cli.options import file_path, timeout_option

if TYPE_CHECKING:
    from smserve.client import Client, Tls

__all__ = ["Connection", "connection_options"]

_KEY_VARIABLE = "SMSERVE_API_KEY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What is the same for every server that one asks; each attribute is the option of its name."""

    timeout_s: float
    tls: bool
    tls_ca: Path | None
    tls_client_certificate: Path | None
    tls_client_key: Path | None
    tls_server_name: str | None
    api_key_file: Path | None
    insecure: bool

    def open(self, server: str) -> Client:
        """Return a client of HOST:PORT.

        Raises:
            InvalidInput: An option has a wrong value.
        """
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # a handshake that fails is told in our words
        from smserve.client import Client

        return Client(
            server, timeout_s=self.timeout_s, tls=self._tls(), api_key=self._api_key(), insecure=self.insecure
        )

    def health(self, server: str, service: str) -> str:
        """Return the status of a service of HOST:PORT; see `check_health`.

        Raises:
            SmserveError: Nobody answers, or the service is not known.
        """
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # as above
        from smserve.client.health import check_health

        return check_health(server, service, timeout_s=self.timeout_s, tls=self._tls())

    def _tls(self) -> Tls | None:
        from smserve.client import Tls

        files = (self.tls_ca, self.tls_client_certificate, self.tls_client_key)
        if not self.tls and self.tls_server_name is None and files == (None, None, None):
            return None
        return Tls(
            ca=self.tls_ca,
            certificate=self.tls_client_certificate,
            key=self.tls_client_key,
            server_name=self.tls_server_name,
        )

    def _api_key(self) -> str | None:
        if self.api_key_file is not None:
            return self.api_key_file.read_text(encoding="utf-8", errors="replace").strip()
        return os.environ.get(_KEY_VARIABLE) or None


def _option(name: str, *, help: str, **settings: Any) -> Any:
    """Return an option that one variable of the environment sets for every command."""
    variable = f"SMSERVE_{name.removeprefix('--').replace('-', '_').upper()}"
    return click.option(name, envvar=variable, show_envvar=True, help=help, **settings)


connection_options = option_group(
    "connection",
    Connection,
    timeout_option,
    _option("--tls", is_flag=True, show_default=False, help="Connect with TLS; the other --tls options say so, too."),
    _option(
        "--tls-ca",
        type=file_path,
        metavar="FILE",
        help="PEM: the authorities of the server's certificate, instead of the public ones.",
    ),
    _option(
        "--tls-client-certificate",
        type=file_path,
        metavar="FILE",
        help="PEM: the certificate to show, where the server wants one.",
    ),
    _option("--tls-client-key", type=file_path, metavar="FILE", help="PEM: its private key."),
    _option(
        "--tls-server-name",
        metavar="NAME",
        help="The name in the server's certificate, where it is not that of --server.",
    ),
    _option(
        "--api-key-file",
        type=file_path,
        metavar="FILE",
        help=f"A file that holds the API key and nothing else; without it, {_KEY_VARIABLE} holds the key itself.",
    ),
    _option(
        "--insecure",
        is_flag=True,
        show_default=False,
        help="Send the API key without TLS to another machine, where everybody on the way can read it.",
    ),
)
