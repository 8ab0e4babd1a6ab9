"""Filters as text, in the one way that `parse_filter` reads back as the same filter."""

import json

from smserve.filters.conditions import And, Equal, Exists, Filter, In, Not, Or, Range, Scalar
from smserve.filters.field import ITEM_ID, LABEL, payload_path
from smserve.filters.tokens import BARE_KEY, KEYWORDS

__all__ = ["format_filter"]


def format_filter(filter: Filter) -> str:
    """Return the one text of a filter: filters of the same text match the same items."""
    match filter:
        case And(parts):
            text = f"({' and '.join(map(format_filter, parts))})"
        case Or(parts):
            text = f"({' or '.join(map(format_filter, parts))})"
        case Not(part):
            text = f"not {format_filter(part)}"
        case Equal(field, value):
            text = f"{_field(field)} = {_value(value)}"
        case In(field, values):
            text = f"{_field(field)} in ({', '.join(map(_value, values))})"
        case Exists(field):
            text = f"exists({_field(field)})"
        case Range():
            text = _range(filter)
        case _:
            raise TypeError(filter)  # the language is closed
    return text


def _range(filter: Range) -> str:
    below, above = "", ""
    if filter.gt is not None or filter.gte is not None:
        below = f"{_value(filter.gte)} <= " if filter.gt is None else f"{_value(filter.gt)} < "
    if filter.lt is not None or filter.lte is not None:
        above = f" <= {_value(filter.lte)}" if filter.lt is None else f" < {_value(filter.lt)}"
    return f"{below}{_field(filter.field)}{above}"


def _field(field: str) -> str:
    path = payload_path(field)
    if path is None:
        return field
    if len(path) == 1 and path[0] in {LABEL, ITEM_ID}:
        return f"`{path[0]}`"
    return ".".join(key if BARE_KEY.fullmatch(key) and key.lower() not in KEYWORDS else f"`{key}`" for key in path)


def _value(value: Scalar) -> str:
    return json.dumps(value, ensure_ascii=False)
