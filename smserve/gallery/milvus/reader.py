"""A gallery in Milvus, open for search; others may write to it, and what they have written is seen at once."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Final, TypeVar

from smserve.errors import (
    GalleryDamaged,
    InvalidInput,
    InvalidTopK,
    InvalidVector,
    ItemNotFound,
    ModelMismatch,
    Unavailable,
)
from smserve.gallery.condition import Condition
from smserve.gallery.interface import GalleryReader
from smserve.gallery.milvus.address import MilvusAddress
from smserve.gallery.milvus.connection import Connection
from smserve.gallery.milvus.following import Followed, Snapshot
from smserve.gallery.milvus.log import Log
from smserve.gallery.milvus.nearest import MOST
from smserve.gallery.milvus.rows import ROW_FIELDS, row_from, thumbnails
from smserve.gallery.milvus.schema import Collections, open_collections
from smserve.gallery.milvus.searching import search
from smserve.gallery.milvus.selection import select
from smserve.gallery.milvus.terms import item_term
from smserve.gallery.page_token import key_of, token_of
from smserve.gallery.row import Row
from smserve.gallery.showing import item_of
from smserve.gallery.values import Counts, Neighbours, Page, PerLabel
from smserve.types import FieldMask, FloatArray, GalleryInfo, Item

__all__ = ["MilvusReader"]

_Answer = TypeVar("_Answer")

_TRIES: Final = 20
_FOLLOW_S: Final = 0.5
_THUMBNAILS: Final = 256  # of one answer: at most 16 MiB


class MilvusReader(GalleryReader):
    """Search and look up; safe to call from many threads."""

    def __init__(self, connection: Connection, collections: Collections, *, name: str = "") -> None:
        """See `open`."""
        self._connection: Final = connection
        self._followed: Final = Followed(connection, collections, follow_s=_FOLLOW_S)
        self._name: Final = name or connection.address.name

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
        collections = self._followed.now()
        if model_fingerprint not in {None, collections.model_fingerprint}:
            raise ModelMismatch(
                f"gallery {self._connection.address} was built with model {collections.model_fingerprint}, the model "
                f"given is {model_fingerprint}; use the gallery's own, or build another gallery with this one"
            )
        Log(self._connection, collections.log).finished()
        written, rows = self._of_one_state(lambda snapshot: (snapshot.state.item_count, self._count(snapshot)))
        if rows != written:
            raise GalleryDamaged(
                f"gallery {self._connection.address} has {rows:,} items, {written:,} were written; restore both its "
                f"collections from a backup, or build it again"
            )

    def info(self) -> GalleryInfo:
        """Describe what is searched now."""
        collections = self._followed.collections()
        state = Log(self._connection, collections.log).state()
        return GalleryInfo(
            name=self._name,
            item_count=state.item_count,
            dimension=collections.dimension,
            metric="cosine",
            model_fingerprint=collections.model_fingerprint,
            generation=state.generation,
            index=f"Milvus {collections.index}",
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
        dimension = self._followed.collections().dimension
        if vectors.ndim != 2 or vectors.shape[1] != dimension:
            raise InvalidVector(
                f"the vector has {vectors.shape[-1]} numbers, gallery {self._name!r} has D={dimension}; embed the "
                f"query with the gallery's own model",
                field="vector",
            )
        if top_k > MOST:
            raise InvalidTopK(f"top_k is {top_k:,}, a gallery in Milvus finds {MOST:,} at most", field="top_k")

        def find(snapshot: Snapshot) -> Neighbours:
            return search(self._connection, snapshot, vectors, top_k, fields, condition, per_label)

        return self._of_one_state(find)

    def get(self, item_id: str, fields: FieldMask) -> Item:
        """Return one item; see `GalleryReader`."""

        def find(snapshot: Snapshot) -> Item | None:
            rows = self._rows(snapshot, f"item_term == {json.dumps(item_term(item_id))}")
            return next(self._items(snapshot, rows, fields), None)

        item = self._of_one_state(find)
        if item is None:
            raise ItemNotFound(f"gallery {self._name!r} has no item {item_id!r}; check the id")
        return item

    def page(self, size: int, token: str, fields: FieldMask, condition: Condition | None = None) -> Page:
        """Return the next items in the order in which they were written; see `GalleryReader`."""
        if size < 1:
            raise InvalidInput(f"a page of {size} items was asked for; wanted at least 1", field="page_size")
        after = key_of(token)

        def read(snapshot: Snapshot) -> Page:
            selection = select(snapshot.state, condition, f"key > {after}")
            found = selection.rows(self._connection, snapshot.collections.items, ROW_FIELDS)
            rows = [row_from(entity) for entity in islice(found, size + 1)]
            items = tuple(self._items(snapshot, rows[:size], fields))
            return Page(items=items, next_token=token_of(rows[size - 1].key) if len(rows) > size else "")

        return self._of_one_state(read)

    def count(self, condition: Condition | None = None, *, by_label: bool = False) -> Counts:
        """Count the items that match; see `GalleryReader`. Of each label only by reading all labels."""

        def read(snapshot: Snapshot) -> Counts:
            if not by_label:
                return Counts(total=self._count(snapshot, condition))
            selection = select(snapshot.state, condition)
            rows = selection.rows(self._connection, snapshot.collections.items, ("label",))
            labels = Counter(row["label"] for row in rows)
            return Counts(total=labels.total(), by_label=dict(labels))

        return self._of_one_state(read)

    def close(self) -> None:
        """Disconnect; calling it twice is harmless."""
        self._connection.close()

    def _of_one_state(self, read: Callable[[Snapshot], _Answer]) -> _Answer:
        """Ask again where the gallery was written to meanwhile: rows of the state before may be gone by then."""
        for _ in range(_TRIES):
            collections = self._followed.collections()
            log = Log(self._connection, collections.log)
            state = log.state()
            answer = read(Snapshot(collections=collections, state=state))
            if log.version() == state.version:
                return answer
        raise Unavailable(
            f"gallery {self._connection.address} was written to {_TRIES} times while it was asked; write larger "
            f"batches, or ask again"
        )

    def _count(self, snapshot: Snapshot, condition: Condition | None = None) -> int:
        return select(snapshot.state, condition).count(self._connection, snapshot.collections.items)

    def _rows(self, snapshot: Snapshot, expression: str) -> list[Row]:
        filter = select(snapshot.state, None, expression).expression
        found = self._connection.query(snapshot.collections.items, filter, ROW_FIELDS)
        return [row_from(entity) for entity in found]

    def _items(self, snapshot: Snapshot, rows: Sequence[Row], fields: FieldMask) -> Iterator[Item]:
        """Yield items; asks for many thumbnails at once."""
        for start in range(0, len(rows), _THUMBNAILS):
            some = rows[start : start + _THUMBNAILS]
            keys = [row.key for row in some] if fields.thumbnail else []
            stored = thumbnails(self._connection, snapshot.collections.items, keys)
            for row in some:
                yield item_of(row, fields, stored.get)
