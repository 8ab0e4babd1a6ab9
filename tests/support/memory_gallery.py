"""A gallery in memory, by brute force: an oracle for the engine, and quick to make."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from smserve.errors import ItemNotFound
from smserve.gallery.condition import Condition
from smserve.gallery.interface import GalleryReader
from smserve.gallery.values import Counts, Neighbours, NewItem, Page, PerLabel
from smserve.types import FieldMask, FloatArray, GalleryInfo, Hit, Item, ItemHead


class MemoryGallery(GalleryReader):
    """Compares a query with every item, one by one."""

    def __init__(self, items: Sequence[NewItem], *, model_fingerprint: str, dimension: int, name: str = "m") -> None:
        self.items = {item.item_id: item for item in items}
        self.closed = False
        self._info = GalleryInfo(
            name=name,
            item_count=len(items),
            dimension=dimension,
            metric="cosine",
            model_fingerprint=model_fingerprint,
            generation=1,
            index="memory",
        )

    def info(self) -> GalleryInfo:
        return self._info

    def search(
        self,
        vectors: FloatArray,
        top_k: int,
        fields: FieldMask,
        condition: Condition | None = None,
        per_label: PerLabel | None = None,
    ) -> Neighbours:
        assert per_label is None, "as conditions"
        assert condition is None, "conditions are SQL; test them on a gallery on disk"
        answers = []
        for vector in vectors:
            hits = [_hit(item, float(np.dot(vector, item.vector)), fields) for item in self.items.values()]
            hits.sort(key=lambda hit: (-hit.score, hit.item_id))
            answers.append(tuple(hits[:top_k]))
        last = -math.inf if top_k >= len(self.items) else None
        complete = tuple(hits[-1].score if last is None else last for hits in answers)
        return Neighbours(generation=1, hits=tuple(answers), complete_above=complete)

    def get(self, item_id: str, fields: FieldMask) -> Item:
        if item_id not in self.items:
            raise ItemNotFound(
                f"there is no item {item_id!r}",
            )
        item = self.items[item_id]
        return Item(
            item_id=item_id, source_uri=item.source_uri, source_sha256=item.source_sha256, **_parts(item, fields)
        )

    def page(self, size: int, token: str, fields: FieldMask, condition: Condition | None = None) -> Page:
        assert condition is None, "as in search"
        ids = list(self.items)
        start = int(token or 0)
        items = tuple(self.get(item_id, fields) for item_id in ids[start : start + size])
        return Page(items=items, next_token=str(start + size) if start + size < len(ids) else "")

    def count(self, condition: Condition | None = None, *, by_label: bool = False) -> Counts:
        assert condition is None, "as in search"
        labels = Counter(item.label for item in self.items.values()) if by_label else {}
        return Counts(total=len(self.items), by_label=labels)

    def close(self) -> None:
        self.closed = True


def _hit(item: NewItem, score: float, fields: FieldMask) -> Hit:
    parts = _parts(item, fields)
    head = ItemHead(item.item_id, parts["label"], parts["payload"])
    return Hit(head, score, vector=parts["vector"], thumbnail=parts["thumbnail"])


def _parts(item: NewItem, fields: FieldMask) -> dict[str, Any]:
    return {
        "label": item.label,
        "payload": {
            key: value
            for key, value in item.payload.items()
            if fields.payload and (not fields.payload_keys or key in fields.payload_keys)
        },
        "vector": item.vector if fields.vector else None,
        "thumbnail": item.thumbnail if fields.thumbnail else None,
    }
