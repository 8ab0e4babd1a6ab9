"""`smserve config`."""

from __future__ import annotations

from typing import Any

import click

from smserve.cli.options import json_option
from smserve.cli.output import print_json, print_table
from smserve.cli.settings import settings_of

__all__ = ["config"]


@click.group()
def config() -> None:
    """See the settings of the commands, and where they come from.

    An option of the command line wins over its environment variable, SMSERVE_COMMAND_OPTION, which wins over the
    default: SMSERVE_SERVE_PORT=50052 sets --port of `smserve serve`. SMSERVE_SERVER sets --server of every command, as
    SMSERVE_TLS_CA and the others that `smserve search --help` names set their options. SMSERVE_API_KEY is the key
    itself, which is never shown.
    """


@config.command()
@click.argument("command", required=False)
@json_option
@click.pass_context
def show(ctx: click.Context, *, command: str | None, as_json: bool) -> None:
    """Print every setting, its value, and where it comes from; and the limits, which are fixed.

    With COMMAND, for example `serve` or `gallery`, only those below it. A variable that holds a wrong value is named,
    and the exit code is 2.

    \b
    Examples:
      smserve config show
      SMSERVE_SERVE_PORT=50052 smserve config show serve --json
    """  # noqa: D301 - click wants a real backspace
    settings = [
        setting
        for setting in settings_of(ctx.find_root())
        if command is None or setting.command == command or setting.command.startswith(f"{command} ")
    ]
    if not settings:
        raise click.UsageError(f"there is no command {command!r} with options; see `smserve --help`")
    limits = _limits() if command is None else {}
    if as_json:
        print_json({"settings": settings, "limits": limits})
        return
    rows = [[each.command, each.option, _shown(each.value), each.source, each.variable] for each in settings]
    print_table(["command", "option", "value", "from", "variable"], rows)
    if limits:
        click.echo()
        print_table(["limit", "value"], [[name, f"{value:,}"] for name, value in limits.items()], numeric=["value"])


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _limits() -> dict[str, int]:
    """Return what no setting changes."""
    from smserve import config as limits

    return {
        "bytes of a message": limits.MAX_MESSAGE_BYTES,
        "bytes of an encoded picture": limits.ImageLimits().max_bytes,
        "pixels of a picture": limits.ImageLimits().max_pixels,
        "pictures of a call": limits.MAX_IMAGES_PER_CALL,
        "items of a write": limits.MAX_ITEMS_PER_CALL,
        "items of a page": limits.MAX_PAGE_SIZE,
        "queries of a BatchSearch": limits.MAX_QUERIES_PER_CALL,
        "top_k": limits.SearchLimits().max_top_k,
        "bytes of pictures being decoded": limits.DECODED_BYTES_IN_FLIGHT,
    }
