"""The simplest condition: items of one label."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smserve.filters import Equal, Filter
from smserve.gallery import Query


@dataclass(frozen=True, slots=True)
class Labelled:
    label: str

    @property
    def filter(self) -> Filter:
        return Equal("label", self.label)

    def keys(self, query: Query, *, after_key: int, most: int | None = None) -> NDArray[np.int64]:
        statement = "SELECT key FROM items WHERE label = ? AND key > ? ORDER BY key LIMIT ?"
        found = query(statement, (self.label, after_key, -1 if most is None else most))
        return np.array([key for (key,) in found], np.int64)

    def describe(self) -> str:
        return f"label = {self.label!r}"
