"""`smserve config`."""

from __future__ import annotations

from typing import Any

import click

from smserve.cli.configuration import DEFAULT_FILE, Configuration
from smserve.cli.options import json_option
from smserve.cli.output import print_json, print_table
from smserve.cli.settings import Setting, settings_of

__all__ = ["config"]


@click.group()
def config() -> None:
    """See the settings of the commands, and where they come from.

    An option of the command line wins over its environment variable, SMSERVE_COMMAND_OPTION, which wins over the file
    of settings, which wins over the default: SMSERVE_SERVE_PORT=50052 sets --port of `smserve serve`. SMSERVE_SERVER
    sets --server of every command, as SMSERVE_TLS_CA and the others that `smserve search --help` names set their
    options. SMSERVE_API_KEY is the key itself, which is never shown, and stands in no file of settings.

    The file is TOML: `smserve --config FILE`, or SMSERVE_CONFIG, or smserve.toml in the current folder. Its tables are
    the commands, its keys their options without the dashes in front. What every command that asks a server takes, as
    --server, stands in [client]. Paths are relative to the current folder, as in options.

    \b
    Example:
      [client]
      server = "10.0.0.7:50051"
      [serve]
      model = "model.onnx"
      gallery = ["birds=g1", "cars=g2"]
      max-in-flight = 3
      read-only = true
      [index.build]
      workers = 4
    """  # noqa: D301 - click wants a real backspace


@config.command()
@click.argument("command", required=False)
@json_option
@click.pass_context
def show(ctx: click.Context, *, command: str | None, as_json: bool) -> None:
    """Print every setting, its value, and where it comes from; and the limits, which are fixed.

    With COMMAND, for example `serve` or `gallery`, only those below it. A variable or a key of the file that holds a
    wrong value is named, and the exit code is 2: so this checks a file, and starts nothing.

    \b
    Examples:
      smserve config show
      smserve --config /etc/smserve.toml config show serve
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
    configuration: Configuration = ctx.find_root().obj
    if as_json:
        print_json({"file": configuration.file, "settings": settings, "limits": limits})
        return
    click.echo(f"file of settings: {configuration.file or f'none; there is no {DEFAULT_FILE} here'}", err=True)
    rows = [
        [each.command, each.option, _shown(each.value), _origin(each, configuration), each.variable]
        for each in settings
    ]
    print_table(["command", "option", "value", "from", "variable"], rows)
    if limits:
        click.echo()
        print_table(["limit", "value"], [[name, f"{value:,}"] for name, value in limits.items()], numeric=["value"])


def _origin(setting: Setting, configuration: Configuration) -> str:
    table = configuration.tables.get((setting.command, setting.option))
    return f"file, [{table}]" if setting.source == "file" else setting.source


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):  # of an option that may be repeated; a gallery is a name and a folder
        return ", ".join("=".join(map(str, each)) if isinstance(each, tuple) else str(each) for each in value)
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
