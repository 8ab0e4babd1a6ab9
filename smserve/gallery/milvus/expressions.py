"""From a filter to Milvus' expressions on the terms of items.

Equality, presence and what joins them are asked exactly. Order is not: no term says which of two values is larger, so a
range is asked as "a number is there", and the rows that come are looked at one by one. Under `not` what may match and
what surely matches change places, hence both are made.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from smserve.filters import And, Equal, Exists, Filter, In, Not, Or, Range
from smserve.gallery.milvus.terms import number_term, presence_term, text_term, value_term

__all__ = ["Expression", "compile_filter"]

_ALL: Final = ""
_NONE: Final = "key < 0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """What a filter is to Milvus.

    Attributes:
        text: True of every row that matches.
        exact: And of no other.
    """

    text: str
    exact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Between:
    """Expressions that are true of all that may match, and only of what surely does."""

    may: str
    surely: str


def compile_filter(filter: Filter) -> Expression:
    """Return what to ask."""
    between = _compile(filter)
    return Expression(text=between.may, exact=between.may == between.surely)


def _compile(filter: Filter) -> _Between:
    match filter:
        case And(parts):
            each = [_compile(part) for part in parts]
            return _Between(may=_both(part.may for part in each), surely=_both(part.surely for part in each))
        case Or(parts):
            each = [_compile(part) for part in parts]
            return _Between(may=_either(part.may for part in each), surely=_either(part.surely for part in each))
        case Not(part):
            inner = _compile(part)
            return _Between(may=_negated(inner.surely), surely=_negated(inner.may))
        case Range():
            return _Between(may=_may_be_between(filter), surely=_NONE)
    text = _with(*_asked(filter))
    return _Between(may=text, surely=text)


def _may_be_between(filter: Range) -> str:
    if any(isinstance(bound, str) for bound in (filter.gt, filter.gte, filter.lt, filter.lte)):
        return _with(text_term(filter.field))
    return _with(number_term(filter.field))  # which no label and no id has


def _asked(filter: Filter) -> Iterable[str]:
    """Return the terms of which a row has one exactly where it matches."""
    match filter:
        case Exists(field):
            return [presence_term(field)]
        case Equal(field, value):
            return [value_term(field, value)]
        case In(field, values):
            return [value_term(field, value) for value in values]
    raise TypeError(filter)  # the language is closed


def _with(*terms: str) -> str:
    return f"array_contains_any(terms, {json.dumps(sorted(set(terms)))})"


def _negated(text: str) -> str:
    return {_ALL: _NONE, _NONE: _ALL}.get(text, f"not ({text})")


def _both(texts: Iterable[str]) -> str:
    parts = [text for text in dict.fromkeys(texts) if text != _ALL]
    if _NONE in parts:
        return _NONE
    return _joined("and", parts)


def _either(texts: Iterable[str]) -> str:
    parts = [text for text in dict.fromkeys(texts) if text != _NONE]
    if _ALL in parts:
        return _ALL
    return _joined("or", parts) or _NONE


def _joined(word: str, parts: Sequence[str]) -> str:
    """Join parts two by two: a server reads a long chain as one operator inside the next, and only so many levels."""
    if len(parts) < 2:
        return parts[0] if parts else ""
    middle = len(parts) // 2
    return f"({_joined(word, parts[:middle])}) {word} ({_joined(word, parts[middle:])})"
