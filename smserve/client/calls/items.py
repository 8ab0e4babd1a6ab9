"""Read and write the items of a gallery."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from google.protobuf.message import Message

from smserve.client.query import read_filter
from smserve.client.talk import GALLERY, Call, Talk
from smserve.errors import InvalidInput
from smserve.filters import Filter
from smserve.types import CountResult, FieldMask, ItemPage, ItemResult, UpsertItem, WriteResult
from smserve.v1 import gallery_pb2
from smserve.wire.filters import filter_to_proto
from smserve.wire.items import counts_from_proto, item_from_proto, page_from_proto
from smserve.wire.origin import fields_to_proto
from smserve.wire.writing import new_item_to_proto, written_from_proto

__all__ = ["count", "delete", "get_item", "list_items", "new_request_id", "upsert"]


def get_item(
    item_id: str,
    *,
    gallery: str,
    payload: bool,
    payload_keys: Sequence[str],
    vector: bool,
    thumbnail: bool,
) -> Talk[ItemResult]:
    """`Client.get_item`."""
    fields = FieldMask(payload=payload, payload_keys=tuple(payload_keys), vector=vector, thumbnail=thumbnail)
    request = gallery_pb2.GetItemRequest(gallery=gallery, item_id=item_id, fields=fields_to_proto(fields))
    return item_from_proto((yield _call("GetItem", request)))


def list_items(
    *,
    page_size: int,
    page_token: str,
    gallery: str,
    filter: Filter | str | None,
    payload: bool,
    payload_keys: Sequence[str],
    vector: bool,
    thumbnail: bool,
) -> Talk[ItemPage]:
    """`Client.list_items`."""
    if page_size < 0:  # which the wire can't hold
        raise InvalidInput(f"page_size is {page_size}; wanted at least 1", field="page_size")
    fields = FieldMask(payload=payload, payload_keys=tuple(payload_keys), vector=vector, thumbnail=thumbnail)
    request = gallery_pb2.ListItemsRequest(
        gallery=gallery,
        page_size=page_size,
        page_token=page_token,
        filter=filter_to_proto(read_filter(filter)),
        fields=fields_to_proto(fields),
    )
    return page_from_proto((yield _call("ListItems", request)))


def count(*, gallery: str, filter: Filter | str | None, by_label: bool) -> Talk[CountResult]:
    """`Client.count`."""
    request = gallery_pb2.CountItemsRequest(
        gallery=gallery, filter=filter_to_proto(read_filter(filter)), by_label=by_label
    )
    return counts_from_proto((yield _call("CountItems", request)))


def upsert(items: Sequence[UpsertItem], *, gallery: str, request_id: str, partial: bool) -> Talk[WriteResult]:
    """`Client.upsert`."""
    request = gallery_pb2.UpsertItemsRequest(
        gallery=gallery,
        items=[new_item_to_proto(item, f"items[{number}]") for number, item in enumerate(items)],
        request_id=request_id or new_request_id(),
        partial=partial,
    )
    return written_from_proto((yield _call("UpsertItems", request)))


def delete(
    item_ids: Sequence[str],
    *,
    filter: Filter | str | None,
    gallery: str,
    request_id: str,
) -> Talk[WriteResult]:
    """`Client.delete`."""
    request = gallery_pb2.DeleteItemsRequest(
        gallery=gallery,
        item_ids=item_ids,
        filter=filter_to_proto(read_filter(filter)),
        request_id=request_id or new_request_id(),
    )
    return written_from_proto((yield _call("DeleteItems", request)))


def new_request_id() -> str:
    """Return an id that no other write has."""
    return uuid.uuid4().hex


def _call(method: str, request: Message) -> Call:
    return Call(service=GALLERY, method=method, request=request)
