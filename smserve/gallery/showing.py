"""From stored rows to what a caller is shown of them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from smserve.gallery.row import FoundRow, Row
from smserve.types import FieldMask, FloatArray, Hit, Item, Payload

__all__ = ["Thumbnail", "hits_of", "item_of"]

Thumbnail = Callable[[Row | FoundRow], bytes | None]
"""Reads a row's."""


def hits_of(query: FloatArray, rows: Sequence[FoundRow], fields: FieldMask, thumbnail: Thumbnail) -> tuple[Hit, ...]:
    """Return hits in their order; scored here, one way for all, so that the same item always has the same score.

    Args:
        query: (D,) float32, unit norm.
        rows: What was found for it.
        fields: Parts of the items to show.
        thumbnail: Asked where they are among them.
    """
    if not rows:
        return ()
    stored = np.frombuffer(b"".join([row.vector for row in rows]), "<f4").reshape(len(rows), -1)  # (K, D)
    scores: list[float] = np.vecdot(stored, query).tolist()
    hits = [
        Hit(
            item_id=row.item_id,
            score=min(1.0, max(-1.0, score)),  # rounding can leave the range by a hair
            label=row.label,
            payload=_shown(row.payload, fields),
        )
        for row, score in zip(rows, scores, strict=True)
    ]
    if fields.vector or fields.thumbnail:
        for hit, row, vector in zip(hits, rows, stored, strict=True):
            hit.vector = vector.astype(np.float32) if fields.vector else None
            hit.thumbnail = thumbnail(row) if fields.thumbnail else None
    return tuple(sorted(hits, key=_order))


def item_of(row: Row, fields: FieldMask, thumbnail: Thumbnail) -> Item:
    """Return an item; see `hits_of`."""
    return Item(
        item_id=row.item_id,
        label=row.label,
        payload=_shown(Payload(row.payload), fields),
        source_uri=row.source_uri,
        source_sha256=row.source_sha256,
        vector=row.embedding() if fields.vector else None,
        thumbnail=thumbnail(row) if fields.thumbnail else None,
    )


def _shown(payload: Payload, fields: FieldMask) -> Mapping[str, Any]:
    if not fields.payload:
        return {}
    if not fields.payload_keys:
        return payload
    return {key: payload[key] for key in fields.payload_keys if key in payload}


def _order(hit: Hit) -> tuple[float, str]:
    return -hit.score, hit.item_id
