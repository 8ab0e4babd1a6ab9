"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from smserve.cli.place import FolderPath
from smserve.config import DEFAULT_HOST, DEFAULT_PORT

__all__ = [
    "expect_model_option",
    "file_path",
    "folder_path",
    "gallery_argument",
    "gallery_name_option",
    "json_option",
    "model_option",
    "new_file_path",
    "server_option",
    "staged_option",
    "timeout_option",
]

_Command = TypeVar("_Command", bound=Callable[..., Any])

file_path = click.Path(exists=True, dir_okay=False, path_type=Path)
new_file_path = click.Path(dir_okay=False, path_type=Path)
folder_path = FolderPath(file_okay=False, path_type=Path)


def gallery_argument(command: _Command) -> _Command:
    """Add the argument GALLERY, a folder."""
    return click.argument("gallery", type=folder_path)(command)


def gallery_name_option(help_text: str) -> Callable[[_Command], _Command]:
    """Return an option `--gallery`, the name of a served one."""
    return click.option("--gallery", default="", metavar="NAME", show_default="the server's first", help=help_text)


def expect_model_option(command: _Command) -> _Command:
    """Add `--expect-model`."""
    return click.option(
        "--expect-model",
        "expected_model_fingerprint",
        default="",
        show_default=False,
        metavar="FINGERPRINT",
        help="Fail rather than be answered by another model than this (its sha256, as `smserve info` shows it).",
    )(command)


def staged_option(command: _Command) -> _Command:
    """Add `--staged`."""
    return click.option(
        "--staged",
        is_flag=True,
        show_default=False,
        help="Ask the model that is staged beside the one in use (`smserve gallery stage`).",
    )(command)


def server_option(command: _Command) -> _Command:
    """Add `--server`."""
    return click.option(
        "--server",
        default=f"{DEFAULT_HOST}:{DEFAULT_PORT}",
        envvar="SMSERVE_SERVER",
        show_envvar=True,
        metavar="HOST:PORT",
        help="Address of the server to ask.",
    )(command)


def timeout_option(command: _Command) -> _Command:
    """Add `--timeout`."""
    return click.option(
        "--timeout",
        "timeout_s",
        type=click.FloatRange(0, min_open=True),
        default=30.0,
        metavar="SECONDS",
        help="Longest time to wait for an answer.",
    )(command)


def json_option(command: _Command) -> _Command:
    """Add `--json`."""
    return click.option(
        "--json", "as_json", is_flag=True, default=False, show_default=False, help="Print one JSON document instead."
    )(command)


def model_option(*, required: bool) -> Callable[[_Command], _Command]:
    """Return an option `--model`."""
    return click.option(
        "--model",
        type=click.Path(dir_okay=False, path_type=Path),
        required=required,
        metavar="FILE",
        help="The model file, as `python -m training export` writes it.",
    )
