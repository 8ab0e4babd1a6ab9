"""A gallery in Milvus, open for search; others may write to it, and what they have written is seen at once."""

import json
import math
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Final, TypeVar

import numpy as np

from smserve.errors import (
    GalleryDamaged,
    GenerationMismatch,
    InvalidInput,
    InvalidTopK,
    InvalidVector,
    ItemNotFound,
    ModelMismatch,
    Unavailable,
)
from smserve.gallery.showing import hits_of, item_of
from smserve.gallery.condition import Condition
from smserve.gallery.interface import GalleryReader
from smserve.gallery.milvus.address import MilvusAddress
from smserve.gallery.milvus.connection import Connection
from smserve.gallery.milvus.log import Log, State
from smserve.gallery.milvus.nearest import MOST, nearest_rows
from smserve.gallery.milvus.rows import ROW_FIELDS, row_from, thumbnail_from
from smserve.gallery.milvus.schema import Collections, open_collections
from smserve.gallery.milvus.selection import select
from smserve.gallery.milvus.terms import item_term
from smserve.gallery.page_token import key_of, token_of
from smserve.gallery.row import FoundRow, Row
from smserve.gallery.thinning import Nearest, thinned
from smserve.gallery.values import Counts, Neighbours, Page, PerLabel
from smserve.types import FieldMask, FloatArray, GalleryInfo, Item

__all__ = ["MilvusReader"]

_Answer = TypeVar("_Answer")

_TRIES: Final = 20
_EXACT: Final = "FLAT"


class MilvusReader(GalleryReader):
    """Search and look up; safe to call from many threads."""

    def __init__(self, connection: Connection, collections: Collections, *, name: str = "") -> None:
        """See `open`."""
        self._connection: Final = connection
        self._collections: Final = collections
        self._log: Final = Log(connection, collections.log)
        self._name: Final = name or connection.address.name
        index = connection.call("describe_index", collections.items, "vector")
        self._index: Final[str] = index["index_type"]

    @classmethod
    def open(cls, address: MilvusAddress, *, name: str = "", model_fingerprint: str | None = None) -> "MilvusReader":
        """Open a finished gallery.

        Args:
            address: Where it lies.
            name: What it is called in answers; the collection's name by default.
            model_fingerprint: When given, a gallery of another model is refused.

        Raises:
            GalleryNotFound: There is none.
            ModelMismatch: Another model made it; both are named.
            GenerationMismatch: Its build was interrupted.
            GalleryDamaged: It has lost rows.
            Unavailable: Nobody answers there.
        """
        connection = Connection(address)
        try:
            reader = cls(connection, open_collections(connection), name=name)
            reader.check(model_fingerprint)
        except BaseException:
            connection.close()
            raise
        return reader

    def check(self, model_fingerprint: str | None) -> None:
        """Check that it is fit to be searched; see `open`."""
        made_by = self._collections.model_fingerprint
        if model_fingerprint not in {None, made_by}:
            raise ModelMismatch(
                f"gallery {self._connection.address} was built with model {made_by}, the model given is "
                f"{model_fingerprint}; use the gallery's own, or build another gallery with this one"
            )
        state, rows = self._of_one_state(lambda state: (state, self._count(state)))
        if not state.generation:
            raise GenerationMismatch(
                f"the build of gallery {self._connection.address} was interrupted, {state.item_count:,} items are "
                f"written; run the same build again"
            )
        if rows != state.item_count:
            raise GalleryDamaged(
                f"gallery {self._connection.address} has {rows:,} items, {state.item_count:,} were written; restore "
                f"both its collections from a backup, or build it again"
            )

    def info(self) -> GalleryInfo:
        """Describe what is searched now."""
        state = self._log.state()
        return GalleryInfo(
            name=self._name,
            item_count=state.item_count,
            dimension=self._collections.dimension,
            metric="cosine",
            model_fingerprint=self._collections.model_fingerprint,
            generation=state.generation,
            index=f"Milvus {self._index}",
        )

    def search(
        self,
        vectors: FloatArray,
        top_k: int,
        fields: FieldMask,
        condition: Condition | None = None,
        per_label: PerLabel | None = None,
    ) -> Neighbours:
        """Find the nearest items of each query; see `GalleryReader`. With `per_label`, among the 4,096 nearest."""
        dimension = self._collections.dimension
        if vectors.ndim != 2 or vectors.shape[1] != dimension:
            raise InvalidVector(
                f"the vector has {vectors.shape[-1]} numbers, gallery {self._name!r} has D={dimension}; embed the "
                f"query with the gallery's own model",
                field="vector",
            )
        if top_k > MOST:
            raise InvalidTopK(f"top_k is {top_k:,}, a gallery in Milvus finds {MOST:,} at most", field="top_k")
        return self._of_one_state(lambda state: self._search(state, vectors, top_k, fields, condition, per_label))

    def get(self, item_id: str, fields: FieldMask) -> Item:
        """Return one item; see `GalleryReader`."""

        def find(state: State) -> Item | None:
            rows = self._rows(state, f"item_term == {json.dumps(item_term(item_id))}")
            return self._item(rows[0], fields) if rows else None

        item = self._of_one_state(find)
        if item is None:
            raise ItemNotFound(f"gallery {self._name!r} has no item {item_id!r}; check the id")
        return item

    def page(self, size: int, token: str, fields: FieldMask, condition: Condition | None = None) -> Page:
        """Return the next items in the order in which they were written; see `GalleryReader`."""
        if size < 1:
            raise InvalidInput(f"a page of {size} items was asked for; wanted at least 1", field="page_size")
        after = key_of(token)

        def read(state: State) -> Page:
            selection = select(state, condition, f"key > {after}")
            found = selection.rows(self._connection, self._collections.items, ROW_FIELDS)
            rows = [row_from(entity) for entity in islice(found, size + 1)]
            items = tuple(self._item(row, fields) for row in rows[:size])
            return Page(items=items, next_token=token_of(rows[size - 1].key) if len(rows) > size else "")

        return self._of_one_state(read)

    def count(self, condition: Condition | None = None, *, by_label: bool = False) -> Counts:
        """Count the items that match; see `GalleryReader`. Of each label only by reading all labels."""

        def read(state: State) -> Counts:
            if not by_label:
                return Counts(total=self._count(state, condition))
            rows = select(state, condition).rows(self._connection, self._collections.items, ("label",))
            labels = Counter(row["label"] for row in rows)
            return Counts(total=labels.total(), by_label=dict(labels))

        return self._of_one_state(read)

    def close(self) -> None:
        """Disconnect; calling it twice is harmless."""
        self._connection.close()

    def _of_one_state(self, read: Callable[[State], _Answer]) -> _Answer:
        """Ask again where the gallery was written to meanwhile: rows of the state before may be gone by then."""
        for _ in range(_TRIES):
            state = self._log.state()
            answer = read(state)
            if self._log.version() == state.version:
                return answer
        raise Unavailable(
            f"gallery {self._connection.address} was written to {_TRIES} times while it was asked; write larger "
            f"batches, or ask again"
        )

    def _search(
        self,
        state: State,
        vectors: FloatArray,
        top_k: int,
        fields: FieldMask,
        condition: Condition | None,
        per_label: PerLabel | None,
    ) -> Neighbours:
        selection = select(state, condition)
        rows: dict[int, Row] = {}
        looked_at: list[list[int]] = []
        asked = top_k

        def nearest(count: int) -> Nearest:
            nonlocal looked_at, asked
            found = nearest_rows(self._connection, self._collections.items, vectors, count, selection)
            rows.update({row.key: row for each in found for row in each})
            looked_at, asked = [[row.key for row in each] for each in found], count
            return looked_at, {key: row.found() for key, row in rows.items()}, set()

        kept, found, _ = nearest(top_k) if per_label is None else thinned(nearest, top_k, per_label)
        thumbnails = self._thumbnails({key for keys in kept for key in keys}) if fields.thumbnail else {}

        def thumbnail(row: Row | FoundRow) -> bytes | None:
            return thumbnails.get(row.key)

        return Neighbours(
            generation=state.generation,
            hits=tuple(
                hits_of(query, [found[key] for key in keys], fields, thumbnail)
                for query, keys in zip(vectors, kept, strict=True)
            ),
            sequence=state.sequence,
            complete_above=tuple(
                self._complete_above(query, rows, seen, keys, top_k=top_k, asked=asked)
                for query, seen, keys in zip(vectors, looked_at, kept, strict=True)
            ),
        )

    def _complete_above(
        self,
        query: FloatArray,
        rows: dict[int, Row],
        looked_at: Sequence[int],
        kept: Sequence[int],
        *,
        top_k: int,
        asked: int,
    ) -> float:
        """Return the score above which every item that the request allows is among the hits."""
        if self._index != _EXACT:
            return math.inf
        if len(kept) < top_k and len(looked_at) < asked:
            return -math.inf
        last = kept[-1] if len(kept) == top_k else looked_at[-1]
        return float(query @ np.frombuffer(rows[last].vector, "<f4"))

    def _count(self, state: State, condition: Condition | None = None) -> int:
        return select(state, condition).count(self._connection, self._collections.items)

    def _rows(self, state: State, expression: str) -> list[Row]:
        filter = select(state, None, expression).expression
        return [row_from(entity) for entity in self._connection.query(self._collections.items, filter, ROW_FIELDS)]

    def _item(self, row: Row, fields: FieldMask) -> Item:
        return item_of(row, fields, lambda row: self._thumbnails({row.key}).get(row.key))

    def _thumbnails(self, keys: set[int]) -> dict[int, bytes | None]:
        filter = f"key in {sorted(keys)}"
        found = self._connection.query(self._collections.items, filter, ["key", "thumbnail"]) if keys else []
        return {row["key"]: thumbnail_from(row["thumbnail"]) for row in found}
