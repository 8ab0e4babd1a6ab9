"""Galleries and their items."""

from smserve.types import GalleryInfo, Item, ItemResult
from smserve.v1 import gallery_pb2, types_pb2
from smserve.wire.origin import origin_to_proto, payload_from_proto, payload_to_proto
from smserve.wire.vectors import vector_from_proto, vector_to_proto

__all__ = ["gallery_from_proto", "gallery_to_proto", "item_from_proto", "item_to_proto"]


def gallery_to_proto(info: GalleryInfo) -> types_pb2.GalleryInfo:
    """Convert a gallery's description."""
    return types_pb2.GalleryInfo(
        name=info.name,
        item_count=info.item_count,
        dimension=info.dimension,
        metric=info.metric,
        model_fingerprint=info.model_fingerprint,
        generation=info.generation,
        index=info.index,
    )


def gallery_from_proto(message: types_pb2.GalleryInfo) -> GalleryInfo:
    """Convert a gallery's description."""
    return GalleryInfo(
        name=message.name,
        item_count=message.item_count,
        dimension=message.dimension,
        metric=message.metric,
        model_fingerprint=message.model_fingerprint,
        generation=message.generation,
        index=message.index,
    )


def item_to_proto(result: ItemResult) -> gallery_pb2.GetItemResponse:
    """Convert an item that was read."""
    item = result.item
    return gallery_pb2.GetItemResponse(
        item=gallery_pb2.Item(
            item_id=item.item_id,
            label=item.label,
            payload=payload_to_proto(item.payload),
            source_uri=item.source_uri,
            vector=None if item.vector is None else vector_to_proto(item.vector),
            thumbnail=item.thumbnail or b"",
        ),
        origin=origin_to_proto(result.model_fingerprint, result.gallery, result.generation),
    )


def item_from_proto(message: gallery_pb2.GetItemResponse) -> ItemResult:
    """Convert an item that was read."""
    item = message.item
    return ItemResult(
        item=Item(
            item_id=item.item_id,
            label=item.label,
            payload=payload_from_proto(item.payload),
            source_uri=item.source_uri,
            vector=vector_from_proto(item.vector) if item.HasField("vector") else None,
            thumbnail=item.thumbnail or None,
        ),
        gallery=message.origin.gallery,
        generation=message.origin.generation,
        model_fingerprint=message.origin.model_fingerprint,
    )
