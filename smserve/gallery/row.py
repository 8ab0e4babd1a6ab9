"""One stored item: its bytes, and the checksum over all of them."""

import json
import sys
import zlib
from typing import Any, Final, NamedTuple

import numpy as np

from smserve.errors import GalleryDamaged, InvalidInput
from smserve.gallery.values import NewItem, Source
from smserve.types import FloatArray, ItemHead, Payload

__all__ = ["COLUMNS", "FoundRow", "Row", "row_of", "source_of"]

COLUMNS = "key, item_id, label, payload, source_uri, source_sha256, vector, sequence, checksum"

_OVERHEAD_BYTES: Final = 450  # of Python's objects

_TYPES: Final = (int, str, str, str, str, str, bytes, int, int)


class FoundRow(ItemHead):
    """What a hit is made of.

    Attributes:
        key: Of the row.
        vector: Its bytes, D float32.
        size_bytes: About how much memory it takes; its texts count twice, since they are kept as they are sent, too.
    """

    __slots__ = ("key", "size_bytes", "vector")

    def __init__(self, key: int, item_id: str, label: str, payload: Payload, vector: bytes) -> None:
        super().__init__(item_id, label, payload)
        self.key: Final = key
        self.vector: Final = vector
        self.size_bytes: Final = _OVERHEAD_BYTES + len(vector) + 2 * (len(item_id) + len(payload.text))


class Row(NamedTuple):
    """A row of the table `items`, in the order of `COLUMNS`."""

    key: int
    item_id: str
    label: str
    payload: str
    source_uri: str
    source_sha256: str
    vector: bytes
    sequence: int
    checksum: int

    def verify(self) -> None:
        """Check the row against its checksum.

        Raises:
            GalleryDamaged: It does not fit.
        """
        # A damaged file can hold text as bytes. Every hit of every search passes here: no loop in Python.
        if tuple(map(type, self)) != _TYPES or self.checksum != _checksum(self):
            raise GalleryDamaged(
                f"item {self.item_id!r} (key {self.key}) fails its checksum: what is stored is not what was written; "
                f"restore the gallery from a copy, or build it again"
            )

    def embedding(self) -> FloatArray:
        """Return (D,) float32."""
        return np.frombuffer(self.vector, dtype="<f4").astype(np.float32)

    def found(self) -> FoundRow:
        """Return the part that a hit is made of."""
        return FoundRow(self.key, self.item_id, sys.intern(self.label), Payload(self.payload), self.vector)

    def payload_object(self) -> dict[str, Any]:
        """Return the further columns."""
        return dict(json.loads(self.payload))


def row_of(item: NewItem, key: int, sequence: int) -> Row:
    """Return the row that stores an item.

    Raises:
        InvalidInput: Its payload is not JSON-able, or a text of it is not Unicode.
    """
    vector = np.asarray(item.vector, dtype="<f4").tobytes()
    try:
        payload = json.dumps(dict(item.payload), ensure_ascii=False, sort_keys=True, allow_nan=False)
        row = Row(key, item.item_id, item.label, payload, item.source_uri, item.source_sha256, vector, sequence, 0)
        return row._replace(checksum=_checksum(row))
    except (TypeError, ValueError) as error:
        raise InvalidInput(
            f"item {item.item_id!r} can't be stored: {error}; payloads are JSON, texts Unicode", field="payload"
        ) from None


def source_of(row: Row) -> Source:
    """Return what the row's item was made from."""
    return Source(uri=row.source_uri, sha256=row.source_sha256, label=row.label, payload=row.payload_object())


def _checksum(row: Row) -> int:
    """Return the CRC-32 of every field but itself; each is preceded by its length, so that none runs into the next."""
    key, sequence = b"%d" % row.key, b"%d" % row.sequence
    item_id, label, payload = row.item_id.encode(), row.label.encode(), row.payload.encode()
    uri, sha256 = row.source_uri.encode(), row.source_sha256.encode()
    head = b"%d:%b%d:%b%d:%b%d:%b%d:%b" % (
        *(len(key), key, len(item_id), item_id, len(label), label),
        *(len(payload), payload, len(uri), uri),
    )
    tail = b"%d:%b%d:%b%d:%b" % (len(sha256), sha256, len(row.vector), row.vector, len(sequence), sequence)
    return zlib.crc32(head + tail)
