"""What runs at the other end."""

from smserve.types import MemoryInfo, ServerInfo
from smserve.v1 import retrieval_pb2
from smserve.wire.gallery import gallery_from_proto, gallery_to_proto
from smserve.wire.origin import origin_to_proto

__all__ = ["info_from_proto", "info_to_proto"]


def info_to_proto(info: ServerInfo) -> retrieval_pb2.GetServerInfoResponse:
    """Convert a server's description; its origin names the default gallery."""
    default = info.galleries[0] if info.galleries else None
    return retrieval_pb2.GetServerInfoResponse(
        version=info.version,
        model_name=info.model_name,
        origin=origin_to_proto(
            info.model_fingerprint, default.name if default else "", default.generation if default else 0
        ),
        dimension=info.dimension,
        input_height=info.input_height,
        input_width=info.input_width,
        provider=info.provider,
        max_message_bytes=info.max_message_bytes,
        max_image_bytes=info.max_image_bytes,
        max_image_pixels=info.max_image_pixels,
        max_top_k=info.max_top_k,
        galleries=map(gallery_to_proto, info.galleries),
        max_images=info.max_images,
        max_items=info.max_items,
        max_page_size=info.max_page_size,
        max_queries=info.max_queries,
        max_streams=info.max_streams,
        max_stream_requests=info.max_stream_requests,
        max_in_flight=info.max_in_flight,
        max_waiting=info.max_waiting,
        max_decoded_bytes=info.max_decoded_bytes,
        memory=None if info.memory is None else _memory_to_proto(info.memory),
    )


def info_from_proto(message: retrieval_pb2.GetServerInfoResponse) -> ServerInfo:
    """Convert a server's description."""
    return ServerInfo(
        version=message.version,
        model_name=message.model_name,
        model_fingerprint=message.origin.model_fingerprint,
        dimension=message.dimension,
        input_height=message.input_height,
        input_width=message.input_width,
        provider=message.provider,
        max_message_bytes=message.max_message_bytes,
        max_image_bytes=message.max_image_bytes,
        max_image_pixels=message.max_image_pixels,
        max_images=message.max_images,
        max_top_k=message.max_top_k,
        max_items=message.max_items,
        max_page_size=message.max_page_size,
        galleries=tuple(map(gallery_from_proto, message.galleries)),
        max_queries=message.max_queries,
        max_streams=message.max_streams,
        max_stream_requests=message.max_stream_requests,
        max_in_flight=message.max_in_flight,
        max_waiting=message.max_waiting,
        max_decoded_bytes=message.max_decoded_bytes,
        memory=_memory_from_proto(message.memory) if message.HasField("memory") else None,
    )


def _memory_to_proto(memory: MemoryInfo) -> retrieval_pb2.MemoryInfo:
    return retrieval_pb2.MemoryInfo(
        resident_bytes=memory.resident_bytes,
        predicted_rest_bytes=memory.predicted_rest_bytes,
        predicted_max_bytes=memory.predicted_max_bytes,
        predicted_mapped_bytes=memory.predicted_mapped_bytes,
        limit_bytes=memory.limit_bytes,
    )


def _memory_from_proto(message: retrieval_pb2.MemoryInfo) -> MemoryInfo:
    return MemoryInfo(
        resident_bytes=message.resident_bytes,
        predicted_rest_bytes=message.predicted_rest_bytes,
        predicted_max_bytes=message.predicted_max_bytes,
        predicted_mapped_bytes=message.predicted_mapped_bytes,
        limit_bytes=message.limit_bytes,
    )
