"""One item as Milvus holds it; its checksum is that of a row of a local gallery."""

import base64
from collections.abc import Collection
from typing import Final

import numpy as np

from smserve.errors import InvalidInput
from smserve.gallery.milvus.connection import Connection, Entity
from smserve.gallery.milvus.schema import LONGEST_TEXT
from smserve.gallery.milvus.terms import item_term, terms_of
from smserve.gallery.row import Row, row_of
from smserve.gallery.values import NewItem

__all__ = ["ROW_FIELDS", "entity_of", "row_from", "thumbnails"]

ROW_FIELDS: Final = Row._fields
_THERE: Final = "="  # before a thumbnail, so that an empty one is not taken for none


def entity_of(item: NewItem, key: int, sequence: int) -> Entity:
    """Return what is stored of an item.

    Raises:
        InvalidInput: Its payload is not JSON-able, a text is not Unicode, or something is larger than Milvus takes.
    """
    row = row_of(item, key, sequence)
    thumbnail = "" if item.thumbnail is None else _THERE + base64.b64encode(item.thumbnail).decode()
    entity = {
        **row._asdict(),
        "vector": np.asarray(item.vector, np.float32),
        "item_term": item_term(item.item_id),
        "terms": terms_of(row),
        "thumbnail": thumbnail,
    }
    for name, value in entity.items():
        if isinstance(value, str) and len(value.encode()) > LONGEST_TEXT:
            raise InvalidInput(
                f"item {item.item_id[:100]!r} has a {name} of {len(value.encode()):,} bytes as it is stored, a gallery "
                f"in Milvus takes {LONGEST_TEXT:,}; make it smaller",
                field=name,
            )
    return entity


def row_from(entity: Entity) -> Row:
    """Return the row that an answer holds.

    Raises:
        GalleryDamaged: It fails its checksum.
    """
    vector = np.asarray(entity["vector"], "<f4").tobytes()
    row = Row(**{**{name: entity[name] for name in ROW_FIELDS}, "vector": vector})
    row.verify()
    return row


def thumbnails(connection: Connection, collection: str, keys: Collection[int]) -> dict[int, bytes | None]:
    """Return the thumbnails of rows by their keys; None for none."""
    found = connection.query(collection, f"key in {sorted(keys)}", ["key", "thumbnail"]) if keys else []
    return {row["key"]: _thumbnail(row["thumbnail"]) for row in found}


def _thumbnail(text: str) -> bytes | None:
    return base64.b64decode(text.removeprefix(_THERE)) if text else None
