"""Filters travel as text: one form for a person's shell and for a program's request."""

from smserve.filters import Filter, format_filter, parse_filter

__all__ = ["filter_from_proto", "filter_to_proto"]


def filter_to_proto(filter: Filter | None) -> str:
    """Return the filter's text; nothing for none."""
    return "" if filter is None else format_filter(filter)


def filter_from_proto(text: str) -> Filter | None:
    """Return the filter that a text means; none for nothing.

    Raises:
        InvalidFilter: It can't be read.
    """
    return parse_filter(text) if text else None
