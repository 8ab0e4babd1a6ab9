"""Where the settings of the commands come from: the command line, else the environment, else a file, else a default.

click decides it, one option at a time; the file is a context's `default_map`, see `smserve.cli.configuration`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click
from click.core import ParameterSource

__all__ = ["Setting", "long_name", "name_variables", "own_variable", "settings_of", "walk_commands"]

_SOURCES = {
    ParameterSource.ENVIRONMENT: "environment",
    ParameterSource.DEFAULT_MAP: "file",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What an option would be if the command were given now, without options.

    Attributes:
        command: For example "gallery export".
        option: For example "--top-k".
        value: Its value; None where it has none.
        source: "default", "environment" or "file".
        variable: The environment variable that sets it.
    """

    command: str
    option: str
    value: Any
    source: str
    variable: str


def walk_commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield every command with its names, groups before their members."""
    for name, command in group.commands.items():
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from walk_commands(command, (*path, name))


def name_variables(group: click.Group, prefix: str) -> None:
    """Let the environment set every option: PREFIX_COMMAND_OPTION, as the command line spells them."""
    for path, command in walk_commands(group):
        for parameter in command.params:
            if isinstance(parameter, click.Option) and parameter.envvar is None:
                parameter.envvar = own_variable(prefix, path, parameter)


def own_variable(prefix: str, path: tuple[str, ...], option: click.Option) -> str:
    """Return the variable of the environment that sets an option of one command: PREFIX_COMMAND_OPTION."""
    return "_".join((prefix, *path, long_name(option).lstrip("-"))).replace("-", "_").upper()


def long_name(option: click.Option) -> str:
    """Return an option's name with dashes: "--top-k"."""
    return max(option.opts, key=len)


def settings_of(root: click.Context) -> Iterator[Setting]:
    """Yield every setting of every command below a root context.

    Raises:
        click.BadParameter: A variable of the environment holds what the option does not take.
    """
    assert isinstance(root.command, click.Group), "the root is a group"  # noqa: S101 - for the type checker
    for path, command in walk_commands(root.command):
        if isinstance(command, click.Group):
            continue
        context = root
        for name, each in zip(path, _along(root.command, path), strict=True):
            context = click.Context(each, parent=context, info_name=name, default_map=_below(context, name))
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                yield _setting(" ".join(path), parameter, context)


def _along(group: click.Group, path: tuple[str, ...]) -> Iterator[click.Command]:
    command: click.Command = group
    for name in path:
        assert isinstance(command, click.Group), "all but the last"  # noqa: S101 - for the type checker
        command = command.commands[name]
        yield command


def _below(context: click.Context, name: str) -> Any:
    return (context.default_map or {}).get(name)


def _setting(command: str, option: click.Option, context: click.Context) -> Setting:
    given, source = option.consume_value(context, {})
    name = long_name(option)
    source_name = _SOURCES.get(source, "default")
    if source_name == "default":
        default = option.get_default(context, call=True)
        value = default if isinstance(default, (str, int, float, bool, tuple)) else None
    else:
        try:
            value = option.type_cast_value(context, given)
        except click.BadParameter as error:
            error.ctx, error.param = context, option
            context.set_parameter_source(str(option.name), source)
            raise
    return Setting(
        command=command,
        option=name,
        value=value or None if value == () else value,
        source=source_name,
        variable=str(option.envvar),
    )
