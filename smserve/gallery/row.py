"""One stored item: its bytes, and the checksum over all of them."""

import json
import zlib
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from smserve.errors import GalleryDamaged, InvalidInput
from smserve.gallery.interface import NewItem, Source
from smserve.types import FloatArray

__all__ = ["COLUMNS", "Row", "row_of", "source_of"]

COLUMNS = "key, item_id, label, payload, source_uri, source_sha256, vector, sequence, checksum"

_NAMES: Final = tuple(COLUMNS.split(", "))
_TYPES: Final = (int, str, str, str, str, str, bytes, int, int)


@dataclass(frozen=True, slots=True)
class Row:
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
        types = tuple(type(getattr(self, name)) for name in _NAMES)  # a damaged file can hold text as bytes
        if types != _TYPES or self.checksum != _checksum(self):
            raise GalleryDamaged(
                f"item {self.item_id!r} (key {self.key}) fails its checksum: what is stored is not what was written; "
                f"restore the gallery from a copy, or build it again"
            )

    def embedding(self) -> FloatArray:
        """Return (D,) float32."""
        return np.frombuffer(self.vector, dtype="<f4").astype(np.float32)

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
        return replace(row, checksum=_checksum(row))
    except (TypeError, ValueError) as error:
        raise InvalidInput(
            f"item {item.item_id!r} can't be stored: {error}; payloads are JSON, texts Unicode", field="payload"
        ) from None


def source_of(row: Row) -> Source:
    """Return what the row's item was made from."""
    return Source(uri=row.source_uri, sha256=row.source_sha256, label=row.label, payload=row.payload_object())


def _checksum(row: Row) -> int:
    """Return the CRC-32 of every field but itself; each is preceded by its length, so that none runs into the next."""
    total = 0
    for name in _NAMES[:-1]:
        value = getattr(row, name)
        data = value if isinstance(value, bytes) else str(value).encode()
        total = zlib.crc32(data, zlib.crc32(f"{len(data)}:".encode(), total))
    return total
