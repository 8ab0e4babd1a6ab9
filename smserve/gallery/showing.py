"""From stored rows to what a caller is shown of them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from smserve.gallery.row import FoundRow, Row
from smserve.types import FieldMask, FloatArray, Hit, Item, ItemHead, Payload

__all__ = ["Thumbnail", "hits_of", "item_of"]

Thumbnail = Callable[[int], bytes | None]
"""Reads that of the row with a key."""


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
    falling = sorted(scores, reverse=True)
    if falling[0] > 1.0 or falling[-1] < -1.0:  # rounding can leave the range by a hair
        scores = [min(1.0, max(-1.0, score)) for score in scores]
    if fields.payload and not fields.payload_keys:
        hits = [Hit(row, score) for row, score in zip(rows, scores, strict=True)]
    else:
        hits = [Hit(_part(row, fields), score) for row, score in zip(rows, scores, strict=True)]
    if fields.vector or fields.thumbnail:
        for hit, row, vector in zip(hits, rows, stored, strict=True):
            hit.vector = vector.astype(np.float32) if fields.vector else None
            hit.thumbnail = thumbnail(row.key) if fields.thumbnail else None
    if scores != falling or len(set(scores)) < len(scores):
        hits.sort(key=_order)
    return tuple(hits)


def item_of(row: Row, fields: FieldMask, thumbnail: Thumbnail) -> Item:
    """Return an item; see `hits_of`."""
    return Item(
        item_id=row.item_id,
        label=row.label,
        payload=_shown(Payload(row.payload), fields),
        source_uri=row.source_uri,
        source_sha256=row.source_sha256,
        vector=row.embedding() if fields.vector else None,
        thumbnail=thumbnail(row.key) if fields.thumbnail else None,
    )


def _part(head: ItemHead, fields: FieldMask) -> ItemHead:
    return ItemHead(head.item_id, head.label, _shown(head.payload, fields))


def _shown(payload: Mapping[str, Any], fields: FieldMask) -> Mapping[str, Any]:
    if not fields.payload:
        return {}
    if not fields.payload_keys:
        return payload
    return {key: payload[key] for key in fields.payload_keys if key in payload}


def _order(hit: Hit) -> tuple[float, str]:
    return -hit.score, hit.item_id
