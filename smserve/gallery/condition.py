"""What a filter comes down to: the rows that match, by key. The seam between filters and the rest of the gallery."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from smserve.filters import Filter

__all__ = ["Condition", "Query"]


class Query(Protocol):
    """Runs SQL on the gallery's database, on a reader's connection or inside a transaction."""

    def __call__(self, statement: str, values: Sequence[Any] = (), /) -> Iterable[Any]:
        """Return the rows."""


class Condition(Protocol):
    """A compiled filter; hashable, and equal to others that mean the same, since match sets are cached by it."""

    @property
    def filter(self) -> Filter:
        """What is meant, for galleries that have no SQL."""

    def keys(self, query: Query, *, after_key: int, most: int | None = None) -> NDArray[np.int64]:
        """Return the keys larger than `after_key` of the rows of table `items` that match, ascending.

        With `most` only the first so many, for which no further row is looked at.

        A row never changes (an upsert writes a new one, with a larger key), so a match set only grows.
        """

    def describe(self) -> str:
        """Return the condition as text, the same for equal ones."""

    def __hash__(self) -> int:
        """Agree with equality."""
