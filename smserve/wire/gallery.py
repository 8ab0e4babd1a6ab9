"""What a gallery holds, in numbers, and the generations that it keeps."""

from smserve.types import GalleryInfo, GenerationInfo
from smserve.v1 import gallery_pb2, types_pb2
from smserve.wire.origin import payload_from_proto, payload_to_proto

__all__ = ["gallery_from_proto", "gallery_to_proto", "generation_from_proto", "generation_to_proto"]


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
        live_recall=info.live_recall,
        live_recall_searches=info.live_recall_searches,
        aliases=info.aliases,
        model_name=info.model_name,
        writable=info.writable,
        tombstone_count=info.tombstone_count,
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
        live_recall=message.live_recall if message.HasField("live_recall") else None,
        live_recall_searches=message.live_recall_searches,
        aliases=tuple(message.aliases),
        model_name=message.model_name,
        writable=message.writable,
        tombstone_count=message.tombstone_count,
    )


def generation_to_proto(info: GenerationInfo) -> gallery_pb2.Generation:
    """Convert a generation's description."""
    return gallery_pb2.Generation(
        number=info.number,
        item_count=info.item_count,
        last_sequence=info.last_sequence,
        index=info.index,
        recall=payload_to_proto(info.recall),
        current=info.current,
        previous=info.previous,
    )


def generation_from_proto(message: gallery_pb2.Generation) -> GenerationInfo:
    """Convert a generation's description."""
    return GenerationInfo(
        number=message.number,
        item_count=message.item_count,
        last_sequence=message.last_sequence,
        index=message.index,
        recall=payload_from_proto(message.recall),
        current=message.current,
        previous=message.previous,
    )
