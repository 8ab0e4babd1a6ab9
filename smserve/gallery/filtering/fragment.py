"""Pieces of SQL that carry their bound values with them, so that no value is ever part of the text."""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Fragment", "Value", "bound", "joined", "sql"]

Value = str | int | float


@dataclass(frozen=True, slots=True)
class Fragment:
    """SQL text, and the values of its question marks from left to right."""

    text: str
    values: tuple[Value, ...] = ()


def bound(value: Value) -> Fragment:
    """Return a question mark that stands for a value."""
    return Fragment("?", (value,))


def sql(template: str, *parts: Fragment) -> Fragment:
    """Return a template, which is ours, with fragments in the place of its `{}`."""
    return Fragment(template.format(*(part.text for part in parts)), tuple(v for part in parts for v in part.values))


def joined(word: str, parts: Sequence[Fragment]) -> Fragment:
    """Return the parts joined by AND or OR."""
    # One pair of parentheses for all: SQLite's parser can hold few of them open at a time.
    return parts[0] if len(parts) == 1 else sql(f"({f' {word} '.join(['{}'] * len(parts))})", *parts)
