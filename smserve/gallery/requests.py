"""Writes that are done once: a request id is remembered with what its write did.

An id is remembered for the `REMEMBERED` writes that follow it; the same id with the same content then returns what the
first one did, also after a restart. Later it is a new request.
"""

import hashlib
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from smserve.errors import GalleryDamaged, InvalidInput, RequestIdReused
from smserve.gallery.condition import Condition, Query
from smserve.gallery.database import Execute
from smserve.gallery.row import row_of
from smserve.gallery.values import NewItem, Written

__all__ = ["REMEMBERED", "Request", "check_requests", "delete_request", "earlier", "remember", "upsert_request"]

REMEMBERED: Final = 100_000
_LONGEST: Final = 200  # characters of an id


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An id that its caller gave a write, and the sha256 of the write's content."""

    request_id: str
    digest: str


def upsert_request(request_id: str, items: Sequence[NewItem]) -> Request | None:
    """Return the request of an upsert; None where it has no id.

    An item made of a picture is taken to be the same where the picture is.

    Raises:
        InvalidInput: The id is too long, or an item can't be stored.
    """
    if not request_id:
        return None
    parts: list[Any] = ["upsert"]
    for item in items:
        row = row_of(item, 0, 0)
        parts += [row.item_id, row.label, row.payload, row.source_uri, row.source_sha256]
        if not item.source_sha256:  # what is made of a picture may differ in the last bit from machine to machine
            parts += [row.vector, item.thumbnail is not None, item.thumbnail or b""]
    return Request(request_id=_checked(request_id), digest=_digest(parts))


def delete_request(request_id: str, selected: Sequence[str] | Condition) -> Request | None:
    """Return the request of a deletion; None where it has no id.

    Raises:
        InvalidInput: The id is too long.
    """
    if not request_id:
        return None
    parts = ["delete", *selected] if isinstance(selected, Sequence) else ["delete where", selected.describe()]
    return Request(request_id=_checked(request_id), digest=_digest(parts))


def earlier(execute: Execute, request: Request) -> Written | None:
    """Return what the same request did before; None where it is new.

    Raises:
        RequestIdReused: Its id came with other content.
        GalleryDamaged: What is remembered fails its checksum.
    """
    query = "SELECT digest, sequence, item_count, checksum FROM requests WHERE request_id = ?"
    found = execute(query, (request.request_id,)).fetchone()
    if found is None:
        return None
    digest, sequence, item_count, checksum = found
    if checksum != _row_checksum(request.request_id, digest, sequence, item_count):
        raise GalleryDamaged(
            f"what is remembered of request {request.request_id!r} fails its checksum; restore the gallery from a "
            f"copy, or write with another request id"
        )
    if digest != request.digest:
        raise RequestIdReused(
            f"request id {request.request_id!r} was used for another write (sequence {sequence}); give each write an "
            f"id of its own, and repeat one only with the same content",
            field="request_id",
        )
    return Written(sequence=sequence, item_count=item_count, repeated=True)


def check_requests(query: Query) -> None:
    """Verify all that is remembered.

    Raises:
        GalleryDamaged: Something fails its checksum.
    """
    for *values, checksum in query("SELECT request_id, digest, sequence, item_count, checksum FROM requests", ()):
        if checksum != _row_checksum(*values):
            raise GalleryDamaged(f"what is remembered of request {values[0]!r} fails its checksum")


def remember(execute: Execute, request: Request, written: Written) -> None:
    """Remember what a request did, and forget what is too long ago."""
    values = (request.request_id, request.digest, written.sequence, written.item_count)
    execute("INSERT INTO requests VALUES (?, ?, ?, ?, ?)", (*values, _row_checksum(*values)))
    execute("DELETE FROM requests WHERE sequence <= ?", (written.sequence - REMEMBERED,))


def _checked(request_id: str) -> str:
    if len(request_id) > _LONGEST or not request_id.isprintable():
        raise InvalidInput(
            f"the request id has {len(request_id)} characters; wanted at most {_LONGEST}, printable ones, a UUID for "
            f"example",
            field="request_id",
        )
    return request_id


def _digest(parts: Iterable[Any]) -> str:
    """Return the sha256 of texts and bytes, each preceded by its length, so that none runs into the next."""
    total = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode(errors="surrogatepass")
        total.update(b"%d:" % len(data) + data)
    return total.hexdigest()


def _row_checksum(request_id: str, digest: str, sequence: int, item_count: int) -> int:
    return zlib.crc32(f"{request_id}\n{digest}\n{sequence}\n{item_count}".encode())
