"""What a filter can ask an item for, as terms: short texts, equal where what they stand for is equal.

A gallery stores an item's terms beside it, so that Milvus only ever compares texts of ours: what is equal, what is
missing and what an array means is decided here, as `smserve.filters.matches` does, and not by the engine's own notion
of JSON. A term is a hash; it needs no quoting, whatever is in the value.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from smserve.errors import InvalidInput
from smserve.filters import Scalar
from smserve.filters.field import ITEM_ID, LABEL, payload_path
from smserve.gallery.milvus.schema import MOST_TERMS, TERM_LENGTH
from smserve.gallery.row import Row

__all__ = ["item_term", "number_term", "presence_term", "terms_of", "text_term", "value_term"]

_Place = Sequence[str]
"""Where a value stands: "payload" and its keys, or the item's own label or id."""


def terms_of(row: Row) -> list[str]:
    """Return an item's terms.

    Raises:
        InvalidInput: There are more than Milvus takes.
    """
    terms = set(_terms((ITEM_ID,), row.item_id)) | (set(_terms((LABEL,), row.label)) if row.label else set())
    for key, value in row.payload_object().items():
        terms.update(_terms(("payload", key), value))
    if len(terms) > MOST_TERMS:
        raise InvalidInput(
            f"item {row.item_id!r} has a payload of {len(terms):,} terms, a gallery in Milvus takes {MOST_TERMS:,}, "
            f"about 1,300 values; store fewer of them",
            field="payload",
        )
    return sorted(terms)


def item_term(item_id: str) -> str:
    """Return the term of an item's id."""
    return value_term(ITEM_ID, item_id)


def presence_term(field: str) -> str:
    """Return the term of every item that has a field."""
    return _term("has", _place(field))


def value_term(field: str, value: Scalar) -> str:
    """Return the term of every item whose field is a value, or an array with it."""
    return _value(_place(field), value)


def number_term(field: str) -> str:
    """Return the term of every item whose field is a number that has a value, or an array with one."""
    return _term("number", _place(field))


def text_term(field: str) -> str:
    """Return the term of every item whose field is a text, or an array with one."""
    return _term("text", _place(field))


def _terms(place: _Place, value: Any) -> Iterator[str]:
    yield _term("has", place)
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _terms((*place, key), inner)
    for each in value if isinstance(value, list) else [value]:
        if each is None or isinstance(each, bool):
            yield _value(place, each)
        elif isinstance(each, str):
            yield _term("text", place)
            yield _value(place, each)
        elif isinstance(each, float) or (isinstance(each, int) and _fits(each)):
            yield _term("number", place)
            yield _value(place, each)


def _value(place: _Place, value: Scalar) -> str:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return _term("is", place, value)
    return _term("is", place, int(value) if value == int(value) and _fits(value) else float(value))


def _fits(number: float) -> bool:
    return -(2**63) <= number < 2**63


def _place(field: str) -> _Place:
    path = payload_path(field)
    return (field,) if path is None else ("payload", *path)


def _term(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:TERM_LENGTH]
