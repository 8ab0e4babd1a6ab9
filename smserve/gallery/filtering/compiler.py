"""From a filter to a condition in SQL on a row of table `items`, true exactly where `smserve.filters.matches` is.

A payload field is looked at in three ways, each as an expression that an index of a declared field can serve:
`json_type` says what it is, `json_extract` gives it as a value of SQLite, `->` as the JSON text that stands there.
Values find rows fast; texts are exact where values are not: decimal numbers (see `numbers`), and text with a NUL in it.
Needs SQLite 3.38 for `->`.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from smserve.filters import And, Equal, Exists, Filter, In, Not, Or, Range, Scalar
from smserve.filters.field import LABEL, canonical_field, payload_path
from smserve.gallery.filtering.fragment import Fragment, Value, bound, joined, sql
from smserve.gallery.filtering.numbers import Bounds, real_texts, surely_above, surely_below

__all__ = ["compile_filter", "json_path", "quoted"]

_FALSE: Final = Fragment("0")
_TRUE: Final = Fragment("1")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a value of JSON stands: SQL for what it is, its value, and its text."""

    type: Fragment
    value: Fragment
    text: Fragment


def compile_filter(filter: Filter, indexed: Collection[str] = ()) -> Fragment:
    """Return the condition.

    Args:
        filter: The filter.
        indexed: Canonical names of the fields that have an index, see `fields`.
    """
    match filter:
        case And(parts):
            return joined("AND", [compile_filter(part, indexed) for part in parts])
        case Or(parts):
            return joined("OR", [compile_filter(part, indexed) for part in parts])
        case Not(part):
            return sql("({}) IS NOT TRUE", compile_filter(part, indexed))  # where the field is missing it is NULL
        case Equal(field) | In(field) | Range(field=field) | Exists(field):
            path = payload_path(field)
            if path is None:
                return _own(filter, field)
            # SQLite takes an index only for the very expression that it was made for, so there the path is no value.
            where = json_path(path)
            literal = canonical_field(field) in indexed
            return _payload(filter, Fragment(quoted(where)) if literal else bound(where))
    raise TypeError(filter)  # the language is closed


def json_path(path: Sequence[str]) -> str:
    """Return a path as SQLite writes it."""
    return "$" + "".join(f'."{key}"' for key in path)


def quoted(text: str) -> str:
    """Return a text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def _own(filter: Filter, column: str) -> Fragment:
    """Return the condition on the item's own label or id; both are always text, an empty label is a missing one."""
    name = Fragment(column)
    match filter:
        case Range():
            bounds = ((">", filter.gt), (">=", filter.gte), ("<", filter.lt), ("<=", filter.lte))
            tests = [sql(f"{{}} {sign} {{}}", name, bound(text)) for sign, text in bounds if isinstance(text, str)]
        case Equal() | In():
            texts = _Values.of(_values(filter)).texts
            tests = [_among(name, texts)] if texts else []
        case _:
            tests = [_TRUE]
    present = [sql("{} <> ''", name)] if column == LABEL else []
    return joined("AND", [*tests, *present]) if tests else _FALSE


def _payload(filter: Filter, path: Fragment) -> Fragment:
    whole = _Place(
        type=sql("json_type(payload, {})", path),
        value=sql("json_extract(payload, {})", path),
        text=sql("(payload -> {})", path),
    )
    if isinstance(filter, Exists):
        return sql("{} IS NOT NULL", whole.type)
    element = _Place(
        type=Fragment("element.type"),
        value=Fragment("element.value"),
        text=sql("(payload -> ({} || '[' || element.key || ']'))", path),
    )
    return sql(
        "({} OR ({} = 'array' AND EXISTS (SELECT 1 FROM json_each(payload, {}) AS element WHERE {})))",
        _test(filter, whole),
        whole.type,
        path,
        _test(filter, element),
    )


def _test(filter: Filter, place: _Place) -> Fragment:
    """Return the condition on one value that is no array."""
    if isinstance(filter, Range):
        lower, upper = (
            (filter.gte if filter.gt is None else filter.gt),
            (filter.lte if filter.lt is None else filter.lt),
        )
        if isinstance(lower, str) or isinstance(upper, str):
            return _text_range(filter, place)
        bounds = Bounds(lower=lower, lower_included=filter.gt is None, upper=upper, upper_included=filter.lt is None)
        return _number_range(bounds, place)
    values, tests = _Values.of(_values(filter)), []
    if values.texts:
        texts = [json.dumps(text, ensure_ascii=False) for text in values.texts]
        tests.append(_of_type("text", place, _among(place.value, values.texts), _among(place.text, texts)))
    if values.whole:
        tests.append(_of_type("integer", place, _among(place.value, values.whole), _is_whole(place)))
    if values.reals:
        near = (bound(surely_below(min(values.reals))), bound(surely_above(max(values.reals))))
        span = sql("{} BETWEEN {} AND {}", place.value, *near)
        tests.append(_of_type("real", place, span, _among(place.text, real_texts(values.reals))))
    tests += [sql("{} = {}", place.type, bound(constant)) for constant in values.constants]
    return joined("OR", tests) if tests else _FALSE


def _text_range(filter: Range, place: _Place) -> Fragment:
    """Return the condition on text; of one with a NUL in it SQLite may see only what stands before."""
    tests = []
    if isinstance(filter.gte, str):
        tests.append(sql("{} >= {}", place.value, bound(filter.gte)))
    if isinstance(filter.gt, str):
        tests += [sql("{} >= {}", place.value, bound(filter.gt)), sql("{} <> {}", place.text, _json(filter.gt))]
    if isinstance(filter.lt, str):
        tests.append(sql("{} < {}", place.value, bound(filter.lt)))
    if isinstance(filter.lte, str):
        below, same = sql("{} < {}", place.value, bound(filter.lte)), sql("{} = {}", place.text, _json(filter.lte))
        tests += [sql("{} <= {}", place.value, bound(filter.lte)), joined("OR", [below, same])]
    return _of_type("text", place, *tests)


def _number_range(bounds: Bounds, place: _Place) -> Fragment:
    tests = []
    first, last = bounds.whole()
    if first <= last:
        span = sql("{} BETWEEN {} AND {}", place.value, bound(first), bound(last))
        tests.append(_of_type("integer", place, span, _is_whole(place)))
    beyond = []
    for sign, real in ((">", bounds.real_lower()), ("<", bounds.real_upper())):
        if real is not None:
            surely = sql(f"{{}} {sign} {{}}", place.value, bound(real.sure))
            beyond.append(sql(f"{{}} {sign}= {{}}", place.value, bound(real.near)))
            beyond.append(joined("OR", [surely, _among(place.text, real.texts)]))
    return joined("OR", [*tests, _of_type("real", place, *beyond)])


def _of_type(name: str, place: _Place, *tests: Fragment) -> Fragment:
    return joined("AND", [sql("{} = {}", place.type, Fragment(quoted(name))), *tests])


def _is_whole(place: _Place) -> Fragment:
    """Return the condition that a whole number fits into 64 bits: else SQLite makes it a decimal one."""
    return sql("typeof({}) = 'integer'", place.value)


def _among(expression: Fragment, values: Sequence[Value]) -> Fragment:
    if len(values) == 1:
        return sql("{} = {}", expression, bound(values[0]))
    listed = bound(json.dumps(values, ensure_ascii=False))  # one question mark, however many there are
    return sql("{} IN (SELECT value FROM json_each({}))", expression, listed)


def _values(filter: Filter) -> Sequence[Scalar]:
    return filter.values if isinstance(filter, In) else (filter.value,) if isinstance(filter, Equal) else ()


def _json(text: str) -> Fragment:
    return bound(json.dumps(text, ensure_ascii=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Values:
    """What a field is compared with, by the type of what is stored."""

    texts: tuple[str, ...]
    whole: tuple[int, ...]
    reals: tuple[float, ...]
    constants: tuple[str, ...]

    @classmethod
    def of(cls, values: Sequence[Scalar]) -> "_Values":
        numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
        return cls(
            texts=tuple(value for value in values if isinstance(value, str)),
            whole=tuple(int(number) for number in numbers if number == int(number) and -(2**63) <= number < 2**63),
            reals=tuple(float(number) for number in numbers if float(number) == number),
            constants=tuple(json.dumps(value) for value in values if value is None or isinstance(value, bool)),
        )
