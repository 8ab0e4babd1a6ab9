"""Options that belong together, as one argument of a command."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

__all__ = ["option_group"]

_Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def option_group(argument: str, make: Callable[..., Any], *options: _Decorator) -> _Decorator:
    """Return a decorator that adds options, in this order, and hands what `make` makes of their values to the command.

    Args:
        argument: The command's keyword argument.
        make: Takes the values of the options by their names.
        options: What `click.option` returns.
    """

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        names: list[str] = []

        @functools.wraps(command)
        def run(*positional: Any, **values: Any) -> Any:
            own = {name: values.pop(name) for name in names}
            return command(*positional, **{argument: make(**own)}, **values)

        before = len(getattr(run, "__click_params__", ()))
        decorated: Callable[..., Any] = run
        for option in reversed(options):
            decorated = option(decorated)
        added: list[click.Parameter] = decorated.__click_params__[before:]  # type: ignore[attr-defined]  # click's own
        names += [parameter.name for parameter in added if parameter.name is not None]
        return decorated

    return add
