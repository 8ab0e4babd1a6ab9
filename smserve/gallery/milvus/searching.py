"""A search of one state of a gallery: Milvus finds the rows, their scores are computed here."""

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from smserve.gallery.condition import Condition
from smserve.gallery.milvus.connection import Connection
from smserve.gallery.milvus.following import Snapshot
from smserve.gallery.milvus.nearest import nearest_rows
from smserve.gallery.milvus.rows import thumbnails
from smserve.gallery.milvus.selection import select
from smserve.gallery.row import Row
from smserve.gallery.showing import hits_of
from smserve.gallery.thinning import Nearest, thinned
from smserve.gallery.values import Neighbours, PerLabel
from smserve.types import FieldMask, FloatArray

__all__ = ["search"]

_EXACT: Final = "FLAT"


def search(
    connection: Connection,
    snapshot: Snapshot,
    vectors: FloatArray,
    top_k: int,
    fields: FieldMask,
    condition: Condition | None,
    per_label: PerLabel | None,
) -> Neighbours:
    """Find the nearest items of each query; see `GalleryReader`."""
    collection, state = snapshot.collections.items, snapshot.state
    selection = select(state, condition)
    is_exact = snapshot.collections.index == _EXACT
    rows: dict[int, Row] = {}
    looked_at: list[list[int]] = []
    asked = top_k

    def nearest(count: int) -> Nearest:
        nonlocal looked_at, asked
        found = nearest_rows(connection, collection, vectors, count, selection)
        rows.update({row.key: row for each in found for row in each})
        looked_at, asked = [[row.key for row in each] for each in found], count
        return looked_at, {key: row.found() for key, row in rows.items()}, set()

    kept, found, _ = nearest(top_k) if per_label is None else thinned(nearest, top_k, per_label)
    wanted = {key for keys in kept for key in keys} if fields.thumbnail else set()
    stored = thumbnails(connection, collection, wanted)

    def thumbnail(key: int) -> bytes | None:
        return stored.get(key)

    return Neighbours(
        generation=state.generation,
        hits=tuple(
            hits_of(query, [found[key] for key in keys], fields, thumbnail)
            for query, keys in zip(vectors, kept, strict=True)
        ),
        sequence=state.sequence,
        complete_above=tuple(
            _complete_above(query, rows, seen, keys, top_k=top_k, asked=asked) if is_exact else math.inf
            for query, seen, keys in zip(vectors, looked_at, kept, strict=True)
        ),
    )


def _complete_above(
    query: FloatArray, rows: Mapping[int, Row], looked_at: Sequence[int], kept: Sequence[int], *, top_k: int, asked: int
) -> float:
    """Return the score above which every item that the request allows is among the hits."""
    if len(kept) < top_k and len(looked_at) < asked:
        return -math.inf
    last = kept[-1] if len(kept) == top_k else looked_at[-1]
    return float(query @ np.frombuffer(rows[last].vector, "<f4"))
