"""Values of a file of settings: of the type that an option takes."""

from __future__ import annotations

from typing import Any, Final

import click

__all__ = ["check_type", "kind_of"]

_KINDS: Final = {
    bool: "true or false",
    str: "a string",
    int: "an integer",
    float: "a number",
    list: "a list",
    dict: "a table",
}


def check_type(name: str, option: click.Option, value: Any) -> None:
    """Refuse a value that is not of an option's type; its range is click's to check.

    Raises:
        click.UsageError: It is of another type; told with `name`.
    """
    wanted, types = _wanted(option)
    if option.multiple:
        fits = isinstance(value, list) and all(_is_a(each, types) for each in value)
        wanted = f"a list, each of it {wanted}"
    else:
        fits = _is_a(value, types)
    if not fits:
        raise click.UsageError(f"{name} is {kind_of(value)}; wanted {wanted}")


def kind_of(value: Any) -> str:
    """Return what a value of a TOML document is, in words."""
    kind = _KINDS.get(type(value), "a date or time")
    if isinstance(value, (list, dict)):
        return kind
    return f"{kind}, {value[:40]!r}" if isinstance(value, str) else f"{kind}, {str(value).lower()}"


def _wanted(option: click.Option) -> tuple[str, tuple[type, ...]]:
    """Return what an option's value is in TOML, in words and as Python has it."""
    if option.is_flag:
        return "true or false", (bool,)
    if option.type.name in {"integer", "integer range"}:
        return "an integer", (int,)
    if option.type.name in {"float", "float range"}:
        return "a number", (int, float)
    return "a string", (str,)


def _is_a(value: Any, types: tuple[type, ...]) -> bool:
    return isinstance(value, types) and (bool in types or not isinstance(value, bool))  # bool is an int
