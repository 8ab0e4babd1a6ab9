"""A filter as the gallery uses it: asked for the keys of the rows that match."""

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smserve.filters import Filter, format_filter, matches
from smserve.gallery.condition import Query
from smserve.gallery.filtering.compiler import compile_filter
from smserve.gallery.filtering.fields import indexed_fields
from smserve.gallery.filtering.fragment import bound, sql
from smserve.gallery.row import Row

__all__ = ["FilterCondition"]


class FilterCondition:
    """See `smserve.gallery.condition.Condition`; equal to others of the same text."""

    __slots__ = ("_text", "filter")

    def __init__(self, filter: Filter) -> None:
        self.filter: Final = filter
        self._text: Final = format_filter(filter)  # made once: match sets are looked up by it, at every search

    def keys(self, query: Query, *, after_key: int = 0, most: int | None = None) -> NDArray[np.int64]:
        """Return the keys of the rows that match, ascending; see `Condition`."""
        condition = compile_filter(self.filter, indexed_fields(query))
        if after_key > 0:  # without it SQLite is free to go by another index than that of the keys
            condition = sql("key > {} AND {}", bound(after_key), condition)
        if most is not None:
            condition = sql("{} ORDER BY key LIMIT {}", condition, bound(most))
        rows = query(f"SELECT key FROM items WHERE {condition.text}", condition.values)  # noqa: S608 - values are bound
        return np.sort(np.fromiter((key for (key,) in rows), np.int64))

    def keys_of(self, rows: Iterable[Row]) -> NDArray[np.int64]:
        """Return the keys of those rows that match, in their order, without asking SQLite."""
        return np.array([row.key for row in rows if self.matches(row)], np.int64)

    def matches(self, row: Row) -> bool:
        """Whether one row does."""
        return matches(self.filter, label=row.label, item_id=row.item_id, payload=row.payload_object())

    def describe(self) -> str:
        """Return the filter's text."""
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FilterCondition) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)
