"""Write to a gallery in Milvus; see `log` for how a write is done whole or not at all."""

import json
import logging
import threading
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from smserve.errors import GalleryLocked, SmserveError
from smserve.gallery.condition import Condition
from smserve.gallery.incoming import check_item
from smserve.gallery.interface import GalleryWriter
from smserve.gallery.milvus.address import MilvusAddress
from smserve.gallery.milvus.connection import Connection, Entity
from smserve.gallery.milvus.log import Log, State
from smserve.gallery.milvus.rows import ROW_FIELDS, entity_of, row_from, thumbnails
from smserve.gallery.milvus.schema import Collections, create_collections
from smserve.gallery.milvus.selection import select
from smserve.gallery.milvus.terms import item_term
from smserve.gallery.presence import Presence, presence_of
from smserve.gallery.requests import Request, delete_request, upsert_request
from smserve.gallery.values import NewItem, Source, Written

__all__ = ["MilvusWriter"]

_log: Final = logging.getLogger(__name__)

_BATCH_BYTES: Final = 16 * 2**20  # of one call; Milvus takes 64 MiB
_LISTED: Final = 1000  # keys or ids of one expression
_TEXTS: Final = ("item_id", "label", "payload", "source_uri", "source_sha256", "thumbnail")


class MilvusWriter(GalleryWriter):
    """Safe to call from many threads. One process writes at a time: Milvus has no lock, but a second one is noticed.

    Attributes:
        collections: Where it writes, wherever an alias leads later.
    """

    def __init__(self, connection: Connection, collections: Collections) -> None:
        """See `open`."""
        self._connection: Final = connection
        self.collections: Final = collections
        self._log: Final = Log(connection, collections.log)
        self._writing: Final = threading.RLock()
        self._name: Final = uuid.uuid4().hex
        self._state = self._log.state()
        self._clean = False  # what the writer before left is cleared away before the first write

    @classmethod
    def open(cls, address: MilvusAddress, *, model_fingerprint: str, dimension: int) -> "MilvusWriter":
        """Open a gallery for writing, or make an empty one.

        Args:
            address: Where it lies.
            model_fingerprint: Of the model whose vectors it holds.
            dimension: D.

        Raises:
            GalleryExists: There is a collection of that name, which is no gallery.
            ModelMismatch: Another model made it; both are named.
            GalleryDamaged: It can't be read.
            Unavailable: Nobody answers there.
        """
        connection = Connection(address)
        try:
            return cls(
                connection, create_collections(connection, model_fingerprint=model_fingerprint, dimension=dimension)
            )
        except BaseException:
            connection.close()
            raise

    @property
    def generation(self) -> int:
        """How often it was published; 0 while it is being built."""
        return self._state.generation

    def sources(self) -> Mapping[str, Source]:
        """Return what is stored, by item_id."""
        with self._writing:
            fields = ("item_id", "source_uri", "source_sha256", "label", "payload")
            return {
                row["item_id"]: Source(
                    uri=row["source_uri"],
                    sha256=row["source_sha256"],
                    label=row["label"],
                    payload=json.loads(row["payload"]),
                )
                for row in select(self._state, None).rows(self._connection, self.collections.items, fields)
            }

    def presence(self, items: Sequence[NewItem]) -> list[Presence]:
        """Tell of each item whether it is stored, and whether just so; see `GalleryWriter`."""
        with self._writing:
            found = self._stored((item.item_id for item in items), ROW_FIELDS)
            rows = {row.item_id: row for row in map(row_from, found)}
            keys = [rows[item.item_id].key for item in items if item.thumbnail is not None and item.item_id in rows]
            stored = thumbnails(self._connection, self.collections.items, keys)
            return [presence_of(item, rows.get(item.item_id), stored.get) for item in items]

    def upsert(self, items: Sequence[NewItem], *, request_id: str = "") -> Written:
        """Store items durably, all or none; see `GalleryWriter`."""
        for item in items:
            check_item(item, self.collections.dimension)
        request = upsert_request(request_id, items)
        last = {item.item_id: item for item in items}
        with self._writing:
            self._prepare()
            if request is not None and (before := self._log.earlier(request, self._state.sequence)):
                return before
            state = self._state
            entities = [
                entity_of(item, state.next_key + number, state.sequence + 1)
                for number, item in enumerate(last.values())
            ]
            replaced = self._keys_of(last)
            self._clean = False
            for batch in _batches(entities, self.collections.dimension):
                self._connection.call("insert", self.collections.items, batch)
            return self._done(len(last), removed=replaced, added=len(last), request=request)

    def delete(self, selected: Iterable[str] | Condition, *, request_id: str = "") -> Written:
        """Delete items durably, by id or by condition; see `GalleryWriter`."""
        chosen = list(selected) if isinstance(selected, Iterable) else selected
        request = delete_request(request_id, chosen)
        with self._writing:
            self._prepare()
            if request is not None and (before := self._log.earlier(request, self._state.sequence)):
                return before
            if isinstance(chosen, list):
                removed = self._keys_of(chosen)
            else:
                rows = select(self._state, chosen).rows(self._connection, self.collections.items, ("key",))
                removed = [row["key"] for row in rows]
            return self._done(len(removed), removed=removed, added=0, request=request)

    def publish(self) -> int:
        """Count one more generation; what was written is searchable as soon as it is done."""
        with self._writing:
            self._prepare()
            self._advance(replace(self._state, generation=self._state.generation + 1, removed=()))
            return self._state.generation

    def close(self) -> None:
        """Disconnect; calling it twice is harmless."""
        with self._writing:
            self._connection.close()

    def _prepare(self) -> None:
        """Come to where the log is, and clear away what writes have left that were not done.

        Raises:
            GalleryLocked: Another process has written meanwhile.
        """
        state = self._log.state()
        if state.version != self._state.version and state.writer != self._name:
            raise GalleryLocked(
                f"gallery {self._connection.address} was written to by another process (it is at write "
                f"{state.sequence}, we were at {self._state.sequence}); let one process write to it: end the other, "
                f"and open it again"
            )
        self._state = state
        if not self._clean:
            self._connection.call("delete", self.collections.items, filter=f"sequence > {state.sequence}")
            self._log.clear_after(state.sequence)
            self._remove_replaced()
            self._clean = True

    def _done(self, count: int, *, removed: Sequence[int], added: int, request: Request | None) -> Written:
        """Make a write done whose rows are stored."""
        state = self._state
        written = Written(sequence=state.sequence + 1, item_count=count)
        self._clean = False
        if request is not None:
            self._log.remember(request, written)
        self._advance(
            replace(
                state,
                sequence=written.sequence,
                next_key=state.next_key + added,
                item_count=state.item_count + added - len(removed),
                removed=tuple(removed),
            )
        )
        try:
            self._remove_replaced()
            self._clean = True
        except SmserveError as error:  # the write is done: nobody looks at those rows, and the next write removes them
            _log.warning("rows that were replaced are not removed yet: %s", error.message)
        return written

    def _advance(self, state: State) -> None:
        state = replace(state, version=state.version + 1, writer=self._name)
        self._log.write(state)
        self._state = state

    def _remove_replaced(self) -> None:
        for start in range(0, len(self._state.removed), _LISTED):
            keys = list(self._state.removed[start : start + _LISTED])
            self._connection.call("delete", self.collections.items, filter=f"key in {keys}")
        if self._state.removed:
            self._log.forget_parts(self._state.sequence)

    def _keys_of(self, item_ids: Iterable[str]) -> list[int]:
        return sorted(row["key"] for row in self._stored(item_ids, ("key",)))

    def _stored(self, item_ids: Iterable[str], fields: Sequence[str]) -> list[Entity]:
        terms = [item_term(item_id) for item_id in dict.fromkeys(item_ids)]
        found: list[Entity] = []
        for start in range(0, len(terms), _LISTED):
            selection = select(self._state, None, f"item_term in {json.dumps(terms[start : start + _LISTED])}")
            found += self._connection.query(self.collections.items, selection.expression, fields)
        return found


def _batches(entities: Iterable[Entity], dimension: int) -> Iterable[list[Entity]]:
    batch: list[Entity] = []
    size = 0
    for entity in entities:
        bytes_ = 4 * dimension + 40 * len(entity["terms"]) + 4 * sum(len(entity[name]) for name in _TEXTS)
        if batch and size + bytes_ > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(entity)
        size += bytes_
    if batch:
        yield batch
