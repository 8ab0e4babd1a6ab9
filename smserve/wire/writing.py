"""Items to be written, and what is said of a write."""

import json
from collections.abc import Mapping
from typing import Any

from smserve.errors import InvalidInput, InvalidVector, SmserveError
from smserve.types import FloatArray, ItemFailure, UpsertItem, WriteResult
from smserve.v1 import gallery_pb2, types_pb2
from smserve.wire.origin import origin_to_proto
from smserve.wire.status import item_error_from_proto, item_error_to_proto
from smserve.wire.vectors import vector_from_proto, vector_to_proto

__all__ = ["deleted_to_proto", "new_item_to_proto", "new_items_from_proto", "upserted_to_proto", "written_from_proto"]


def new_item_to_proto(item: UpsertItem, field: str) -> gallery_pb2.NewItem:
    """Convert an item to be written.

    Raises:
        InvalidInput: Its payload is not JSON-able, or a text of it is not Unicode; `field` names the item.
    """
    try:
        payload = json.dumps(dict(item.payload), ensure_ascii=False, allow_nan=False).encode() if item.payload else b""
        message = gallery_pb2.NewItem(
            item_id=item.item_id,
            vector=None if item.vector is None else vector_to_proto(item.vector),
            label=item.label,
            payload=payload,
            source_uri=item.source_uri,
        )
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(
            f"item {item.item_id!r} can't be sent: {error}; payloads are JSON, texts Unicode", field=field
        ) from None
    if item.image is not None:
        message.image = item.image
    return message


def new_items_from_proto(message: gallery_pb2.UpsertItemsRequest) -> list[UpsertItem | ItemFailure]:
    """Convert the items to be written; where a part of them may be, one that can't be read is its failure.

    Raises:
        InvalidInput: A payload is no JSON object; the error names it, as `items[3].payload` for example.
        InvalidVector: As `vector_from_proto`, naming the item.
    """
    items: list[UpsertItem | ItemFailure] = []
    for number, item in enumerate(message.items):
        try:
            items.append(_new_item(item, f"items[{number}]"))
        except InvalidInput as error:
            if not message.partial:
                raise
            items.append(ItemFailure(index=number, item_id=item.item_id, error=error.as_outcome()))
    return items


def _new_item(item: gallery_pb2.NewItem, field: str) -> UpsertItem:
    content = item.WhichOneof("content")
    return UpsertItem(
        item_id=item.item_id,
        image=item.image if content == "image" else None,
        vector=_vector(item.vector, field) if content == "vector" else None,
        label=item.label,
        payload=_payload(item.payload, f"{field}.payload"),
        source_uri=item.source_uri,
    )


def upserted_to_proto(written: WriteResult) -> gallery_pb2.UpsertItemsResponse:
    """Convert what an upsert did."""
    return gallery_pb2.UpsertItemsResponse(
        sequence=written.sequence,
        item_count=written.item_count,
        repeated_request=written.repeated,
        origin=origin_to_proto(written.model_fingerprint, written.gallery, written.generation),
        errors=map(_failure_to_proto, written.failures),
    )


def deleted_to_proto(written: WriteResult) -> gallery_pb2.DeleteItemsResponse:
    """Convert what a deletion did."""
    return gallery_pb2.DeleteItemsResponse(
        sequence=written.sequence,
        item_count=written.item_count,
        repeated_request=written.repeated,
        origin=origin_to_proto(written.model_fingerprint, written.gallery, written.generation),
    )


def written_from_proto(message: gallery_pb2.UpsertItemsResponse | gallery_pb2.DeleteItemsResponse) -> WriteResult:
    """Convert what a write did."""
    failures: tuple[ItemFailure, ...] = ()
    if isinstance(message, gallery_pb2.UpsertItemsResponse):
        failures = tuple(
            ItemFailure(index=each.index, item_id=each.item_id, error=item_error_from_proto(each.error))
            for each in message.errors
        )
    return WriteResult(
        sequence=message.sequence,
        item_count=message.item_count,
        repeated=message.repeated_request,
        gallery=message.origin.gallery,
        generation=message.origin.generation,
        model_fingerprint=message.origin.model_fingerprint,
        failures=failures,
    )


def _failure_to_proto(failure: ItemFailure) -> gallery_pb2.UpsertItemError:
    if not isinstance(failure.error, SmserveError):
        raise TypeError(f"item {failure.item_id!r} has the error {failure.error!r}; wanted an SmserveError")
    return gallery_pb2.UpsertItemError(
        index=failure.index, item_id=failure.item_id, error=item_error_to_proto(failure.error)
    )


def _vector(message: types_pb2.Vector, item: str) -> FloatArray:
    try:
        return vector_from_proto(message)
    except InvalidVector as error:
        error.field = f"{item}.{error.field}"
        raise


def _payload(data: bytes, field: str) -> Mapping[str, Any]:
    """Read what a stranger wrote."""
    if not data:
        return {}
    try:
        payload = json.loads(data)
    except (ValueError, RecursionError) as error:  # a UnicodeDecodeError is a ValueError
        raise InvalidInput(f"the payload is no JSON ({error}); send an object in UTF-8", field=field) from None
    if not isinstance(payload, dict):
        raise InvalidInput(f"the payload is a JSON {type(payload).__name__}; send an object", field=field)
    return payload
