"""The file of settings: TOML, a table for each command, a key for each of its options.

    [client]                    # what every command that asks a server takes
    server = "10.0.0.7:50051"

    [serve]
    gallery = ["birds=g1", "cars=g2"]

    [index.build]
    workers = 4

It becomes click's `default_map`, so an option of the command line and a variable of the environment win over it.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import click
from click.core import ParameterSource

from smserve.cli.configuration_values import check_type, kind_of
from smserve.cli.settings import long_name, own_variable

__all__ = ["DEFAULT_FILE", "SHARED_TABLE", "Configuration", "read_configuration", "say_where_it_stands"]

DEFAULT_FILE: Final = Path("smserve.toml")
"""Read where no other is named, if it is there."""

SHARED_TABLE: Final = "client"
"""Holds the options that one variable of the environment sets for many commands, as `server`."""

_PREFIX: Final = "SMSERVE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What a file sets.

    Attributes:
        file: Where it was read from; None where there is none.
        default_map: As click takes it: values by command and by name of parameter.
        tables: The table that sets it, by command and option: ("index build", "--workers") -> "index.build".
    """

    file: Path | None = None
    default_map: dict[str, Any] = field(default_factory=dict)
    tables: Mapping[tuple[str, str], str] = field(default_factory=dict)


def read_configuration(file: Path | None, root: click.Group) -> Configuration:
    """Read a file of settings, or `smserve.toml` in the current folder, if there is one.

    Names and types are checked here; whether an option takes a value, click says when the command is run.

    Raises:
        click.UsageError: It can't be read, is no TOML, or sets what is not there or is of another type.
    """
    if file is None:
        if not DEFAULT_FILE.exists():
            return Configuration()
        file = DEFAULT_FILE
    document = _parsed(file)
    shared = document.pop(SHARED_TABLE, {})
    if not isinstance(shared, dict):
        raise click.UsageError(f"{file}: {SHARED_TABLE} is {kind_of(shared)}; wanted a table, [{SHARED_TABLE}]")
    _refuse_unknown(file, SHARED_TABLE, shared, _shared_options(root), "every command that asks a server takes")
    reader = _Reader(file, shared)
    return Configuration(file=file, default_map=reader.group(root, (), document), tables=reader.tables)


def say_where_it_stands(error: click.BadParameter) -> None:
    """Let an error about a value that came from the file name file, table and key."""
    context, option = error.ctx, error.param
    configuration = context.find_object(Configuration) if context is not None else None
    if context is None or configuration is None or not isinstance(option, click.Option):
        return
    if context.get_parameter_source(str(option.name)) is ParameterSource.DEFAULT_MAP:
        table = configuration.tables[_command_of(context), long_name(option)]
        error.param_hint = f"{_key(option)} in [{table}] of {configuration.file}"


class _Reader:
    """Walks the tables of a document along the commands."""

    def __init__(self, file: Path, shared: dict[str, Any]) -> None:
        self._file: Final = file
        self._shared: Final = shared
        self.tables: Final[dict[tuple[str, str], str]] = {}

    def group(self, group: click.Group, path: tuple[str, ...], document: dict[str, Any]) -> dict[str, Any]:
        where = f"[{'.'.join(path)}] of {self._file}" if path else str(self._file)
        for name, table in document.items():
            if name not in group.commands:
                known = [*group.commands, *((SHARED_TABLE,) if not path else ())]
                raise click.UsageError(
                    f"{where} has {name!r}, and there is no such command{_nearest(name, known)}; its tables are the "
                    f"commands, for example [serve], and their keys the options; see `smserve --help`"
                )
            if not isinstance(table, dict):
                raise click.UsageError(
                    f"{where}: {name} is {kind_of(table)}; wanted a table, [{'.'.join((*path, name))}]"
                )
        return {
            name: self.group(command, (*path, name), document.get(name, {}))
            if isinstance(command, click.Group)
            else self._command(command, (*path, name), document.get(name, {}))
            for name, command in group.commands.items()
        }

    def _command(self, command: click.Command, path: tuple[str, ...], table: dict[str, Any]) -> dict[str, Any]:
        name = ".".join(path)
        options = {_key(option): option for option in _options(command)}
        _refuse_unknown(self._file, name, table, options, f"`smserve {' '.join(path)}` takes")
        values = {}
        for key, option in options.items():
            source = name if key in table else SHARED_TABLE
            held = table if key in table else self._shared if _is_shared(option, path) else {}
            if key in held:
                check_type(f"[{source}] of {self._file}: {key}", option, held[key])
                values[str(option.name)] = held[key]
                self.tables[" ".join(path), long_name(option)] = source
        return values


def _parsed(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as stream:
            return tomllib.load(stream)
    except OSError as error:
        raise click.UsageError(
            f"the file of settings {file} can't be read ({error.strerror}); check it, or name another with --config"
        ) from None
    except UnicodeDecodeError as error:
        raise click.UsageError(f"the file of settings {file} is no UTF-8 from byte {error.start} on; mend it") from None
    except tomllib.TOMLDecodeError as error:
        raise click.UsageError(f"the file of settings {file} is no TOML: {error}; mend it") from None


def _refuse_unknown(file: Path, table: str, keys: Iterable[str], known: Iterable[str], taken: str) -> None:
    known = list(known)
    for key in keys:
        if key in known:
            continue
        if "api-key" in key.replace("_", "-") and "api-key-file" not in key:
            raise click.UsageError(
                f"[{table}] of {file} has {key!r}: an API key does not belong into a file of settings; name a file "
                f"that holds it with api-key-file, or set SMSERVE_API_KEY"
            )
        raise click.UsageError(
            f"[{table}] of {file} has {key!r}, which is nothing that {taken}{_nearest(key, known)}; keys are options "
            f"without the dashes in front"
        )


def _options(command: click.Command) -> list[click.Option]:
    return [parameter for parameter in command.params if isinstance(parameter, click.Option)]


def _shared_options(root: click.Group, path: tuple[str, ...] = ()) -> set[str]:
    found = set()
    for name, command in root.commands.items():
        if isinstance(command, click.Group):
            found |= _shared_options(command, (*path, name))
        else:
            found |= {_key(option) for option in _options(command) if _is_shared(option, (*path, name))}
    return found


def _is_shared(option: click.Option, path: tuple[str, ...]) -> bool:
    return option.envvar != own_variable(_PREFIX, path, option)


def _key(option: click.Option) -> str:
    return long_name(option).lstrip("-")


def _command_of(context: click.Context) -> str:
    """Return "index build" for what runs `smserve index build`."""
    if context.parent is None:
        return ""
    return f"{_command_of(context.parent)} {context.info_name}".strip()


def _nearest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name.replace("_", "-"), list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
