"""`smserve ui`."""

from __future__ import annotations

import importlib.util
import webbrowser

import click

from smserve.cli.connection import Connection, connection_options
from smserve.cli.failures import debugging
from smserve.cli.options import server_option

__all__ = ["ui"]

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_DISTRIBUTION_OF = {
    "starlette": "starlette",
    "uvicorn": "uvicorn",
    "jinja2": "jinja2",
    "python_multipart": "python-multipart",
}


@click.command()
@server_option
@click.option("--port", type=click.IntRange(0, 65535), default=7860, help="Port of the page; 0 for a free one.")
@click.option("--host", default="127.0.0.1", help="Address to listen on; beyond this machine only with --insecure.")
@click.option("--no-browser", is_flag=True, show_default=False, help="Print the page's address, open no browser.")
@connection_options
def ui(*, server: str, port: int, host: str, no_browser: bool, connection: Connection) -> None:
    """Open a page to search with, in the browser: drop a picture, see the nearest items.

    The page has no login: whoever reaches it searches with the key of this command. It therefore listens on this
    machine alone, unless --insecure is given, too. It loads nothing from elsewhere.

    \b
    Examples:
      smserve ui
      smserve ui --server search.example.org:50051 --tls --port 8000 --no-browser
    """  # noqa: D301 - click wants a real backspace
    missing = [name for module, name in _DISTRIBUTION_OF.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise click.ClickException(f"the page needs {', '.join(missing)}; run: pip install 'smserve[ui]'")
    if host not in _LOOPBACK and not connection.insecure:
        raise click.UsageError(
            f"--host {host} shows the page, which has no login, to other machines; give --insecure to allow that, or "
            f"forward the port: ssh -L {port}:127.0.0.1:{port} THIS_MACHINE"
        )
    from smserve.ui import serve_page

    def announce(address: str) -> None:
        click.echo(f"open {address}")
        if not no_browser:
            webbrowser.open(address)

    with connection.open(server) as client:
        serve_page(client, host=host, port=port, announce=announce, log_level="info" if debugging() else "critical")
