"""What a request must look like; every rule stands here and nowhere else."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from smserve.config import SearchLimits
from smserve.errors import InvalidInput, InvalidTopK, InvalidVector
from smserve.types import FloatArray, ItemFailure, SearchRequest, UpsertItem

__all__ = [
    "check_deletion",
    "check_image_count",
    "check_item_id",
    "check_new_item",
    "check_page_size",
    "check_queries",
    "check_search",
    "check_stored",
    "check_upsert",
    "unit_vector",
]

_MOST_LEVELS: Final = 64  # of a payload: SQLite, which filters by it, gives up at 1,000, and Python's json near there


def check_search(request: SearchRequest, limits: SearchLimits) -> None:
    """Check everything that needs neither model nor gallery.

    Raises:
        InvalidInput: Not exactly one query, a `min_score` that is no number, a `max_per_label` below 1, or a
            `min_generation` below 0.
        InvalidTopK: `top_k` is out of range.
    """
    queries = {"image": request.image, "vector": request.vector, "item_id": request.item_id}
    given = [name for name, value in queries.items() if value is not None]
    if len(given) != 1:
        raise InvalidInput(
            f"a search takes exactly one of image, vector and item_id; got {' and '.join(given) or 'none of them'}",
            field="query",
        )
    if not 1 <= request.top_k <= limits.max_top_k:
        raise InvalidTopK(f"top_k is {request.top_k}; wanted at least 1 and at most {limits.max_top_k}", field="top_k")
    if request.max_per_label is not None and request.max_per_label < 1:
        raise InvalidInput(f"max_per_label is {request.max_per_label}; wanted at least 1", field="max_per_label")
    if request.min_score is not None and not math.isfinite(request.min_score):
        raise InvalidInput(f"min_score is {request.min_score}; wanted a cosine, a number in [-1, 1]", field="min_score")
    if request.min_generation < 0:
        raise InvalidInput(
            f"min_generation is {request.min_generation}; wanted a generation, or 0 for any", field="min_generation"
        )


def check_queries(count: int, images: int, *, most: int, most_images: int) -> None:
    """Check the number of queries of one call, and of those with a picture.

    Raises:
        InvalidInput: None, or more than so many.
    """
    if not 1 <= count <= most:
        raise InvalidInput(
            f"the call has {count} queries; wanted at least 1 and at most {most}, so split it up", field="requests"
        )
    if images > most_images:
        raise InvalidInput(
            f"the call has {images} queries with a picture; wanted at most {most_images}, so split it up",
            field="requests",
        )


def unit_vector(vector: FloatArray, dimension: int) -> FloatArray:
    """Return `vector` (D,) scaled to unit norm, as float32.

    Raises:
        InvalidVector: Of another shape than (dimension,), not finite, or of length zero.
    """
    if vector.shape != (dimension,):
        got = f"D={vector.size}" if vector.ndim == 1 else f"shape {vector.shape}"
        raise InvalidVector(
            f"the vector has {got}, the model has D={dimension}; send a vector that this model made", field="vector"
        )
    wide = vector.astype(np.float64)  # squares of float32 may overflow or vanish in float32
    norm = math.sqrt(wide @ wide)
    if not math.isfinite(norm):
        position = int(np.flatnonzero(~np.isfinite(wide))[0])
        raise InvalidVector(
            f"the vector's number {position} is {wide[position]}; wanted finite numbers", field="vector"
        )
    if norm == 0.0:
        raise InvalidVector("the vector is all zeros, which has no direction and so no neighbours", field="vector")
    return (wide / norm).astype(np.float32)


def check_image_count(count: int, most: int) -> None:
    """Check the number of pictures of one call.

    Raises:
        InvalidInput: None, or more than `most`.
    """
    if not 1 <= count <= most:
        raise InvalidInput(
            f"the call has {count} pictures; wanted at least 1 and at most {most}, so split it up", field="images"
        )


def check_upsert(items: Sequence[UpsertItem | ItemFailure], *, most: int, most_images: int) -> None:
    """Check how many new items there are.

    Raises:
        InvalidInput: None, or too many; see `check_new_item` for each of them.
    """
    if not 1 <= len(items) <= most:
        raise InvalidInput(
            f"the call has {len(items)} items; wanted at least 1 and at most {most}, so split it up", field="items"
        )
    images = sum(isinstance(item, UpsertItem) and item.image is not None for item in items)
    if images > most_images:
        raise InvalidInput(
            f"the call has {images} items with a picture; wanted at most {most_images}, so split it up", field="items"
        )


def check_new_item(item: UpsertItem, number: int) -> None:
    """Check everything about the `number`-th new item that needs neither model nor gallery.

    Raises:
        InvalidInput: It has no id, not exactly one of picture and vector, or a payload that is nested too deeply.
    """
    if not item.item_id:
        raise InvalidInput(f"item {number} has an empty id; name it", field=f"items[{number}].item_id")
    if (item.image is None) == (item.vector is None):
        raise InvalidInput(
            f"item {item.item_id!r} has {'both' if item.image is not None else 'neither'} of image and vector; "
            f"wanted exactly one",
            field=f"items[{number}]",
        )
    if _is_deeper(item.payload, _MOST_LEVELS):
        raise InvalidInput(
            f"the payload of item {item.item_id!r} is nested more than {_MOST_LEVELS} levels deep; make it flatter",
            field=f"items[{number}].payload",
        )


def check_stored(item: UpsertItem, number: int) -> None:
    """Check that an item's texts and payload can be stored, as a gallery would, which names no item of many.

    Raises:
        InvalidInput: A payload that is not JSON-able, or text that is not Unicode.
    """
    try:
        json.dumps(dict(item.payload), ensure_ascii=False, allow_nan=False).encode()
        for text in (item.item_id, item.label, item.source_uri):
            text.encode()
    except (TypeError, ValueError) as error:
        raise InvalidInput(
            f"item {item.item_id!r} can't be stored: {error}; payloads are JSON, texts Unicode",
            field=f"items[{number}].payload",
        ) from None


def check_deletion(item_ids: Sequence[str], *, most: int, has_filter: bool) -> None:
    """Check that a deletion says what is to go, in one way.

    Raises:
        InvalidInput: It gives neither ids nor a filter, or both; an id is empty or not Unicode, or there are too many.
    """
    if bool(item_ids) == has_filter:
        raise InvalidInput(
            f"{'both item_ids and filter are' if has_filter else 'neither item_ids nor filter is'} given; wanted "
            f"exactly one",
            field="item_ids",
        )
    if len(item_ids) > most:
        raise InvalidInput(
            f"the call has {len(item_ids)} ids; wanted at most {most}, so split it up, or delete by filter",
            field="item_ids",
        )
    for number, item_id in enumerate(item_ids):
        check_item_id(item_id, f"item_ids[{number}]")


def check_item_id(item_id: str, field: str = "item_id") -> None:
    """Check that an id is one.

    Raises:
        InvalidInput: It is empty, or not Unicode (a file name in another encoding).
    """
    if not item_id:
        raise InvalidInput(f"{field} is empty; name the item", field=field)
    try:
        item_id.encode()
    except UnicodeEncodeError:
        raise InvalidInput(f"{field} is {item_id!r}, which is not Unicode; no item is called so", field=field) from None


def check_page_size(size: int, most: int) -> None:
    """Check the number of items of one page.

    Raises:
        InvalidInput: It is out of range.
    """
    if not 1 <= size <= most:
        raise InvalidInput(f"page_size is {size}; wanted at least 1 and at most {most}", field="page_size")


def _is_deeper(payload: Mapping[str, Any], levels: int) -> bool:
    """Whether objects and lists stand in each other more than so many levels deep."""
    level: list[Any] = [payload]
    for _ in range(levels):
        inner: list[Any] = []
        for each in level:
            parts = each.values() if isinstance(each, Mapping) else each
            inner += [part for part in parts if isinstance(part, Mapping | list | tuple)]
        if not inner:
            return False
        level = inner
    return True
