"""Which rows a question is about: those of one state of the gallery, and of these the ones that match a condition."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from smserve.filters import Filter, matches
from smserve.gallery.condition import Condition
from smserve.gallery.milvus.connection import Connection, Entity
from smserve.gallery.milvus.expressions import compile_filter
from smserve.gallery.milvus.log import State
from smserve.gallery.row import Row
from smserve.types import Payload

__all__ = ["MATCHED_FIELDS", "Selection", "select"]

MATCHED_FIELDS: Final = ("item_id", "label", "payload")
"""What a filter looks at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """An expression for Milvus, and what is left to be looked at here.

    Attributes:
        expression: True of every row that is selected.
        filter: What of those is; None where all are.
    """

    expression: str
    filter: Filter | None = None

    def keeps(self, row: Row | Entity) -> bool:
        """Whether a row that the expression is true of is selected."""
        if self.filter is None:
            return True
        item_id, label, payload = (
            (row.item_id, row.label, row.payload)
            if isinstance(row, Row)
            else (row["item_id"], row["label"], row["payload"])
        )
        return matches(self.filter, label=label, item_id=item_id, payload=Payload(payload))

    def rows(self, connection: Connection, collection: str, fields: tuple[str, ...]) -> Iterator[Entity]:
        """Yield the rows, by key."""
        wanted = fields if self.filter is None else tuple(dict.fromkeys((*fields, *MATCHED_FIELDS)))
        return (row for row in connection.rows(collection, self.expression, wanted) if self.keeps(row))

    def count(self, connection: Connection, collection: str) -> int:
        """Return how many rows there are."""
        if self.filter is None:
            return connection.count(collection, self.expression)
        return sum(1 for _ in self.rows(connection, collection, ("key",)))


def select(state: State, condition: Condition | None, further: str = "") -> Selection:
    """Return the selection of a condition; `further` is an expression that is to be true, too."""
    compiled = None if condition is None else compile_filter(condition.filter)
    texts = [state.visible(), further, compiled.text if compiled else ""]
    return Selection(
        expression=" and ".join(f"({text})" for text in texts if text),
        filter=condition.filter if condition is not None and compiled is not None and not compiled.exact else None,
    )
