"""Filters as JSON documents.

{"equal": {"field": "label", "value": "apple"}}
{"in": {"field": "color", "values": ["red", "green"]}}
{"range": {"field": "price", "gte": 5, "lt": 10}}
{"exists": {"field": "sold"}}
{"and": [...]}, {"or": [...]}, {"not": {...}}
"""

from collections.abc import Collection
from typing import Any

from smserve.errors import InvalidFilter
from smserve.filters.conditions import MAX_DEPTH, And, Equal, Exists, Filter, In, Not, Or, Range, depth_refused

__all__ = ["filter_from_document", "filter_to_document"]

_KINDS = ("equal", "in", "range", "exists", "and", "or", "not")


def filter_to_document(filter: Filter) -> dict[str, Any]:
    """Return the JSON document of a filter."""
    document: dict[str, Any]
    match filter:
        case Equal(field, value):
            document = {"equal": {"field": field, "value": value}}
        case In(field, values):
            document = {"in": {"field": field, "values": list(values)}}
        case Range():
            bounds = {name: getattr(filter, name) for name in ("gt", "gte", "lt", "lte")}
            given = {name: bound for name, bound in bounds.items() if bound is not None}
            document = {"range": {"field": filter.field, **given}}
        case Exists(field):
            document = {"exists": {"field": field}}
        case And(parts):
            document = {"and": [filter_to_document(part) for part in parts]}
        case Or(parts):
            document = {"or": [filter_to_document(part) for part in parts]}
        case Not(part):
            document = {"not": filter_to_document(part)}
        case _:
            raise TypeError(filter)  # the language is closed
    return document


def filter_from_document(document: object) -> Filter:
    """Return the filter of a JSON document.

    Raises:
        InvalidFilter: It is none; the message and `field` say where, for example `filter.and[1].range`.
    """
    return _read(document, "filter", depth=0)


def _read(document: object, where: str, *, depth: int) -> Filter:
    if depth > MAX_DEPTH:
        raise depth_refused()
    if not isinstance(document, dict) or len(document) != 1 or not document.keys() <= set(_KINDS):
        raise _unreadable(where, document, f"an object with one key of {', '.join(_KINDS)}")
    ((kind, content),) = document.items()
    where = f"{where}.{kind}"
    try:
        match kind:
            case "and" | "or":
                if not isinstance(content, list):
                    raise _unreadable(where, content, "a list of filters")
                parts = tuple(_read(part, f"{where}[{number}]", depth=depth + 1) for number, part in enumerate(content))
                return And(parts) if kind == "and" else Or(parts)
            case "not":
                return Not(_read(content, where, depth=depth + 1))
            case "equal":
                fields = _fields(content, where, {"field", "value"})
                return Equal(fields["field"], fields["value"])
            case "in":
                fields = _fields(content, where, {"field", "values"})
                if not isinstance(fields["values"], list):
                    raise _unreadable(f"{where}.values", fields["values"], "a list of values")
                return In(fields["field"], tuple(fields["values"]))
            case "range":
                return Range(**_fields(content, where, {"field"}, {"gt", "gte", "lt", "lte"}))
            case _:
                return Exists(**_fields(content, where, {"field"}))
    except InvalidFilter as error:
        if error.field != "filter":  # said where already
            raise
        raise InvalidFilter(f"{where}: {error.message}", field=where) from None


def _fields(content: object, where: str, required: Collection[str], optional: Collection[str] = ()) -> dict[str, Any]:
    if not isinstance(content, dict) or not set(required) <= content.keys() <= {*required, *optional}:
        names = ", ".join([*sorted(required), *(f"{name} (optional)" for name in sorted(optional))])
        raise _unreadable(where, content, f"an object with the keys {names}")
    return content


def _unreadable(where: str, content: object, wanted: str) -> InvalidFilter:
    got = repr(content)
    return InvalidFilter(f"{where}: got {got if len(got) <= 100 else got[:97] + '...'}, wanted {wanted}", field=where)
