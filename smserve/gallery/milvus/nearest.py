"""The nearest rows of a selection, as Milvus finds them; exactly, where Milvus can't say which rows a filter means."""

import heapq
from collections.abc import Sequence
from typing import Final

import numpy as np

from smserve.gallery.milvus.connection import Connection
from smserve.gallery.milvus.rows import ROW_FIELDS, row_from
from smserve.gallery.milvus.selection import Selection
from smserve.gallery.row import Row
from smserve.types import FloatArray

__all__ = ["MOST", "nearest_rows"]

MOST: Final = 16_384
"""Hits of one query, Milvus' own limit."""

_LOOKED_THROUGH: Final = 4096  # hits that are looked at for those that match; then all rows are
_GROWTH: Final = 4
_ANSWER_BYTES: Final = 32 * 2**20
_ROW_BYTES: Final = 1000  # of one that has little payload, without its vector


def nearest_rows(
    connection: Connection, collection: str, vectors: FloatArray, count: int, selection: Selection
) -> list[list[Row]]:
    """Return the nearest rows of each query by falling inner product, `count` of them unless there are fewer."""
    asked = count
    while True:
        found = _search(connection, collection, vectors, asked, selection)
        kept = [[row for row in rows if selection.keeps(row)][:count] for rows in found]
        if all(len(some) == count or len(rows) < asked for some, rows in zip(kept, found, strict=True)):
            return kept
        if asked >= _LOOKED_THROUGH:
            return _by_looking_at_all(connection, collection, vectors, count, selection)
        asked = min(_LOOKED_THROUGH, asked * _GROWTH)


def _search(
    connection: Connection, collection: str, vectors: FloatArray, count: int, selection: Selection
) -> list[list[Row]]:
    at_once = max(1, _ANSWER_BYTES // (count * (_ROW_BYTES + 4 * vectors.shape[1])))
    found = []
    for start in range(0, len(vectors), at_once):
        answers = connection.call(
            "search",
            collection,
            data=vectors[start : start + at_once].tolist(),
            anns_field="vector",
            limit=count,
            filter=selection.expression,
            output_fields=list(ROW_FIELDS),
            search_params={"metric_type": "IP"},
        )
        found += [[row_from(hit["entity"]) for hit in hits] for hits in answers]
    return found


def _by_looking_at_all(
    connection: Connection, collection: str, vectors: FloatArray, count: int, selection: Selection
) -> list[list[Row]]:
    best: list[list[tuple[float, Row]]] = [[] for _ in vectors]
    for entity in selection.rows(connection, collection, ROW_FIELDS):
        row = row_from(entity)
        scores = vectors @ np.frombuffer(row.vector, "<f4")
        for heap, score in zip(best, scores.tolist(), strict=True):
            if len(heap) < count:
                heapq.heappush(heap, (score, row))
            elif score > heap[0][0]:
                heapq.heapreplace(heap, (score, row))
    return [[row for _, row in _falling(heap)] for heap in best]


def _falling(found: Sequence[tuple[float, Row]]) -> list[tuple[float, Row]]:
    return sorted(found, key=lambda pair: (-pair[0], pair[1].key))
