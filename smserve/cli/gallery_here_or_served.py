"""Commands of `smserve gallery` that work on a folder or, with `--server`, on a gallery of a running server."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from smserve.cli.options import folder_path

__all__ = ["check_one", "fingerprint_option", "gallery_or_server"]

_Command = TypeVar("_Command", bound=Callable[..., Any])


def gallery_or_server(command: _Command) -> _Command:
    """Add the argument GALLERY, which may be left out, `--server` and `--gallery-name`."""
    for option in (
        click.option(
            "--gallery-name", default="", metavar="NAME", help="With --server: its gallery.  [default: first]"
        ),
        click.option("--server", metavar="HOST:PORT", help="Ask this running server, instead of giving GALLERY."),
        click.argument("gallery", type=folder_path, required=False),
    ):
        command = option(command)
    return command


def fingerprint_option(command: _Command) -> _Command:
    """Add `--fingerprint`."""
    return click.option(
        "--fingerprint",
        default="",
        metavar="SHA256",
        help="With --server: the model, by the sha256 of its file, which the server has in its --models.",
    )(command)


def check_one(gallery: Path | None, server: str | None) -> None:
    """Refuse both, and neither.

    Raises:
        click.UsageError: That is so.
    """
    if (gallery is None) == (server is None):
        raise click.UsageError("give either GALLERY, a folder, or --server HOST:PORT")
