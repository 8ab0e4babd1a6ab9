"""Print: a table for a person, tab-separated lines for a pipe, or one JSON document."""

import dataclasses
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click
import numpy as np

__all__ = ["counted", "print_json", "print_pairs", "print_table", "to_plain"]


def counted(number: int, one: str, many: str = "") -> str:
    """Return "1 item", "2 items"; `many` where it is not `one` with an s."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def to_plain(value: Any) -> Any:
    """Return `value` as JSON can hold it; bytes (thumbnails) become their size."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, np.ndarray):
        return [float(f"{number:.9g}") for number in value]  # nine digits give a float32 back exactly
    if isinstance(value, Mapping):
        return {str(key): to_plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(part) for part in value]
    if isinstance(value, bytes):
        return len(value)
    return str(value) if isinstance(value, Exception) else value


def print_json(value: Any) -> None:
    """Print one JSON document to standard output."""
    click.echo(json.dumps(to_plain(value), ensure_ascii=False, indent=2, default=str))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, numeric: Sequence[str] = ()) -> None:
    """Print rows; on a pipe as a header and tab-separated lines, never cut to a width."""
    if not sys.stdout.isatty():
        for row in (columns, *rows):
            click.echo("\t".join(" ".join(cell.split()) if cell else "" for cell in row))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))  # Text: a label may hold what rich takes for markup
    Console().print(table)


def print_pairs(pairs: Mapping[str, str]) -> None:
    """Print names and values, one pair a line."""
    width = max(map(len, pairs))
    for name, value in pairs.items():
        click.echo(f"{name.ljust(width)}  {value}")
