"""The reference page of the commands, made from the commands themselves.

    python -m smserve.cli.reference > docs/cli.md

A test says when the page is out of date. (Click's own generators make man pages or want MkDocs or Sphinx.)
"""

from __future__ import annotations

import inspect
import re
from typing import Any

import click

from smserve.cli.root import smserve
from smserve.cli.settings import walk_commands

__all__ = ["reference"]

_HEAD = """\
# Command line

Made by `python -m smserve.cli.reference > docs/cli.md` from the commands; `smserve COMMAND --help` says the same.

- **Settings.** An option wins over its environment variable, `SMSERVE_COMMAND_OPTION` (`SMSERVE_SERVE_PORT` for
  `smserve serve --port`), which wins over the file of settings, which wins over the default. `SMSERVE_SERVER` names the
  server for every command, `SMSERVE_TLS_CA` and the like say how to connect to it. `SMSERVE_API_KEY` is the API key
  itself, which is never an option: others on the machine can read those. The file is TOML: `smserve --config FILE`, or
  `SMSERVE_CONFIG`, or `smserve.toml` in the current folder; [smserve config](#smserve-config) shows one.
  `smserve config show` prints all settings but the key, and where each comes from.
- **Output.** Results go to standard output, everything else to standard error. On a terminal a table, on a pipe
  tab-separated lines, with `--json` one JSON document. `SMSERVE_DEBUG=1` shows tracebacks.
- **Completion.** `smserve completion bash`, `zsh` or `fish` prints a script; its help says where to put it.

| exit code | means |
|---|---|
| 0 | done |
| 1 | failed or refused; one line on standard error says why |
| 2 | wrong usage: an option, an argument, a variable of the environment or the file of settings |
| 3 | done, but some pictures could not be read |
| 130 | interrupted |
"""


def reference() -> str:
    """Return the page, in Markdown."""
    parts = [_HEAD]
    for path, command in walk_commands(smserve):
        parts.append(_section(path, command))
    return "\n".join(parts)


def _section(path: tuple[str, ...], command: click.Command) -> str:
    name = f"smserve {' '.join(path)}"
    lines = [f"## {name}", ""]
    if not isinstance(command, click.Group):
        context = click.Context(command, info_name=name)
        lines += ["```", *command.get_usage(context).removeprefix("Usage: ").splitlines(), "```", ""]
    lines += [_text(command.help or ""), ""]
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    if options:
        lines += ["| option | meaning | default |", "|---|---|---|", *map(_row, options), ""]
    return "\n".join(lines)


def _text(text: str) -> str:
    """Return help as Markdown: what click is told to leave as it is becomes a block of code."""
    parts = []
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        if paragraph.startswith("\b\n"):
            title, _, body = paragraph.removeprefix("\b\n").partition("\n")
            parts.append(f"{title}\n\n```\n{inspect.cleandoc(body)}\n```")
        else:
            parts.append(_escaped(paragraph))
    return "\n\n".join(parts)


def _row(option: click.Option) -> str:
    names = ", ".join(f"`{name}`" for name in [*option.opts, *option.secondary_opts])
    metavar = "" if option.is_flag else f" {_kind(option)}"
    return f"| {names}{_escaped(metavar)} | {_escaped(option.help or '')} | {_escaped(_default(option))} |"


def _kind(option: click.Option) -> str:
    if option.metavar:
        return option.metavar
    if isinstance(option.type, click.Choice):
        return "|".join(map(str, option.type.choices))
    return option.type.name.upper()


def _default(option: click.Option) -> str:
    if option.required:
        return "required"
    if isinstance(option.show_default, str):
        return option.show_default
    default: Any = option.default
    if option.is_flag or not isinstance(default, (str, int, float)) or default == "":
        return ""
    return str(default)


def _escaped(text: str) -> str:
    return re.sub(r"([|<>])", r"\\\1", text)


if __name__ == "__main__":
    click.echo(reference(), nl=False)
