"""Items as they are stored: one, a page, or only their number."""

from smserve.types import CountResult, Item, ItemPage, ItemResult
from smserve.v1 import gallery_pb2
from smserve.wire.origin import origin_to_proto, payload_from_proto, payload_to_proto
from smserve.wire.vectors import vector_from_proto, vector_to_proto

__all__ = [
    "counts_from_proto",
    "counts_to_proto",
    "item_from_proto",
    "item_to_proto",
    "page_from_proto",
    "page_to_proto",
]


def item_to_proto(result: ItemResult) -> gallery_pb2.GetItemResponse:
    """Convert an item that was read."""
    return gallery_pb2.GetItemResponse(
        item=_item_to_proto(result.item),
        origin=origin_to_proto(result.model_fingerprint, result.gallery, result.generation),
    )


def item_from_proto(message: gallery_pb2.GetItemResponse) -> ItemResult:
    """Convert an item that was read."""
    return ItemResult(
        item=_item_from_proto(message.item),
        gallery=message.origin.gallery,
        generation=message.origin.generation,
        model_fingerprint=message.origin.model_fingerprint,
    )


def page_to_proto(page: ItemPage) -> gallery_pb2.ListItemsResponse:
    """Convert a page."""
    return gallery_pb2.ListItemsResponse(
        items=map(_item_to_proto, page.items),
        next_page_token=page.next_token,
        origin=origin_to_proto(page.model_fingerprint, page.gallery, page.generation),
    )


def page_from_proto(message: gallery_pb2.ListItemsResponse) -> ItemPage:
    """Convert a page."""
    return ItemPage(
        items=tuple(map(_item_from_proto, message.items)),
        next_token=message.next_page_token,
        gallery=message.origin.gallery,
        generation=message.origin.generation,
        model_fingerprint=message.origin.model_fingerprint,
    )


def counts_to_proto(counts: CountResult) -> gallery_pb2.CountItemsResponse:
    """Convert counts."""
    return gallery_pb2.CountItemsResponse(
        total=counts.total,
        labels=[gallery_pb2.LabelCount(label=label, count=count) for label, count in counts.by_label.items()],
        origin=origin_to_proto(counts.model_fingerprint, counts.gallery, counts.generation),
    )


def counts_from_proto(message: gallery_pb2.CountItemsResponse) -> CountResult:
    """Convert counts."""
    return CountResult(
        total=message.total,
        by_label={each.label: each.count for each in message.labels},
        gallery=message.origin.gallery,
        generation=message.origin.generation,
        model_fingerprint=message.origin.model_fingerprint,
    )


def _item_to_proto(item: Item) -> gallery_pb2.Item:
    return gallery_pb2.Item(
        item_id=item.item_id,
        label=item.label,
        payload=payload_to_proto(item.payload),
        source_uri=item.source_uri,
        vector=None if item.vector is None else vector_to_proto(item.vector),
        thumbnail=item.thumbnail or b"",
        source_sha256=item.source_sha256,
    )


def _item_from_proto(message: gallery_pb2.Item) -> Item:
    return Item(
        item_id=message.item_id,
        label=message.label,
        payload=payload_from_proto(message.payload),
        source_uri=message.source_uri,
        source_sha256=message.source_sha256,
        vector=vector_from_proto(message.vector) if message.HasField("vector") else None,
        thumbnail=message.thumbnail or None,
    )
