"""The log of a gallery: which writes are done, so that each of them is seen whole or not at all.

Milvus has no transactions. A write first stores its rows, with a sequence number that no reader looks at yet; then one
row of the log makes it done; then the rows that it replaced are removed. That one row is written to two places by
turns, so that the one before stands whatever becomes of it. What a write that failed has left behind is larger than the
last sequence, is never looked at, and goes before the next write.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any, Final

from smserve.errors import GalleryDamaged, GenerationMismatch, RequestIdReused
from smserve.gallery.milvus.connection import Connection, Entity
from smserve.gallery.requests import REMEMBERED, Request
from smserve.gallery.values import Written

__all__ = ["Log", "State"]

_PLACES: Final = ("state/0", "state/1")
_INLINE: Final = 500  # keys in the state itself; more take rows of their own
_PART: Final = 3000
_TIDIED_EVERY: Final = 1000  # writes; what is older than it is remembered is not looked at meanwhile


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Up to where a gallery is written.

    Attributes:
        version: Grows with every change of the state.
        sequence: Of the last write that is done.
        next_key: The next row's.
        item_count: Items in all.
        generation: How often it was published; 0 while it is being built.
        removed: Keys of rows that the last write replaced or deleted, and that may still be there.
        writer: Who wrote this.
    """

    version: int = 0
    sequence: int = 0
    next_key: int = 1
    item_count: int = 0
    generation: int = 0
    removed: tuple[int, ...] = ()
    writer: str = ""

    def visible(self) -> str:
        """Return the expression on a row that is part of it."""
        gone = f" and key not in {list(self.removed)}" if self.removed else ""
        return f"sequence <= {self.sequence}{gone}"


class Log:
    """The collection of the log."""

    def __init__(self, connection: Connection, collection: str) -> None:
        self._connection: Final = connection
        self._collection: Final = collection

    def state(self) -> State:
        """Return the last state.

        Raises:
            GalleryDamaged: It can't be read.
        """
        rows = self._connection.query(self._collection, f"name in {json.dumps(_PLACES)}", ["body"])
        try:
            bodies: list[dict[str, Any]] = [json.loads(row["body"]) for row in rows]
            if not bodies:
                return State()
            body = max(bodies, key=lambda each: int(each["version"]))
            parts = body.pop("parts")
            body["removed"] += [key for part in range(parts) for key in self._part(body["sequence"], part)]
            return State(**{**body, "removed": tuple(body["removed"])})
        except (ValueError, KeyError, TypeError) as error:
            raise GalleryDamaged(
                f"the log of gallery {self._connection.address} can't be read ({type(error).__name__}); restore both "
                f"its collections from a backup, or build it again"
            ) from None

    def finished(self) -> State:
        """Return the last state of a gallery that was published.

        Raises:
            GenerationMismatch: Its build was interrupted.
        """
        state = self.state()
        if not state.generation:
            raise GenerationMismatch(
                f"the build of gallery {self._connection.address} was interrupted, {state.item_count:,} items are "
                f"written; run the same build again"
            )
        return state

    def version(self) -> int:
        """Return the version of the last state."""
        rows = self._connection.query(self._collection, f"name in {json.dumps(_PLACES)}", ["body"])
        return max((int(json.loads(row["body"])["version"]) for row in rows), default=0)

    def write(self, state: State) -> None:
        """Make a state the last one: with this a write is done."""
        parts = []
        if len(state.removed) > _INLINE:
            parts = [state.removed[start : start + _PART] for start in range(0, len(state.removed), _PART)]
        for number, part in enumerate(parts):
            self._store(_part_name(state.sequence, number), state.sequence, list(part))
        body = {**asdict(state), "removed": [] if parts else list(state.removed), "parts": len(parts)}
        self._store(_PLACES[state.version % 2], state.sequence, body)

    def clear_after(self, sequence: int) -> None:
        """Remove what a write has left that was not done."""
        self._connection.call("delete", self._collection, filter=f"sequence > {sequence}")

    def earlier(self, request: Request, sequence: int) -> Written | None:
        """Return what the same request did before; None where it is new.

        Raises:
            RequestIdReused: Its id came with other content.
        """
        filter = f"name == {json.dumps(_request_name(request.request_id))} and sequence <= {sequence}"
        rows = self._connection.query(self._collection, filter, ["body"])
        body = json.loads(rows[0]["body"]) if rows else {}
        if not rows or body["sequence"] <= sequence - REMEMBERED:
            return None
        if body["digest"] != request.digest:
            raise RequestIdReused(
                f"request id {request.request_id!r} was used for another write (sequence {body['sequence']}); give "
                f"each write an id of its own, and repeat one only with the same content",
                field="request_id",
            )
        return Written(sequence=body["sequence"], item_count=body["item_count"], repeated=True)

    def remember(self, request: Request, written: Written) -> None:
        """Note what a request does; it holds once its write is done."""
        body = {"digest": request.digest, "sequence": written.sequence, "item_count": written.item_count}
        self._store(_request_name(request.request_id), written.sequence, body)
        forgotten = written.sequence - REMEMBERED
        if forgotten > 0 and written.sequence % _TIDIED_EVERY == 0:
            self._connection.call(
                "delete", self._collection, filter=f'name like "request/%" and sequence <= {forgotten}'
            )

    def forget_parts(self, sequence: int) -> None:
        """Remove the list of rows that a write replaced, once they are gone."""
        filter = f'name like "removed/%" and sequence <= {sequence}'
        self._connection.call("delete", self._collection, filter=filter)

    def _part(self, sequence: int, number: int) -> list[int]:
        filter = f"name == {json.dumps(_part_name(sequence, number))}"
        rows = self._connection.query(self._collection, filter, ["body"])
        return list(json.loads(rows[0]["body"])) if rows else []  # removed once the rows are

    def _store(self, name: str, sequence: int, body: Any) -> None:
        row: Entity = {"name": name, "sequence": sequence, "body": json.dumps(body), "unused": [0.0, 0.0]}
        self._connection.call("upsert", self._collection, [row])


def _request_name(request_id: str) -> str:
    return f"request/{hashlib.sha256(request_id.encode()).hexdigest()}"


def _part_name(sequence: int, number: int) -> str:
    return f"removed/{sequence}/{number}"
