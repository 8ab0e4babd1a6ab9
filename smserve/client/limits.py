"""What one call may carry: what the server publishes, and no more than this client can send."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from smserve.config import MAX_IMAGES_PER_CALL, MAX_ITEMS_PER_CALL, MAX_MESSAGE_BYTES
from smserve.v1 import retrieval_pb2

__all__ = ["Limits"]

_ENVELOPE_BYTES: Final = 64 * 1024  # of a message: what stands beside its elements
_ELEMENT_BYTES: Final = 16  # of a message, beside each element: its tag and length
_WINDOW: Final = 16  # where a server publishes none


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of one call.

    Attributes:
        max_bytes: Of all elements of one message together.
        max_images: Pictures of one call.
        max_items: Items of one write.
        max_queries: Queries of one BatchSearch.
        max_stream_requests: Unanswered requests of one stream.
    """

    max_bytes: int = MAX_MESSAGE_BYTES - _ENVELOPE_BYTES
    max_images: int = MAX_IMAGES_PER_CALL
    max_items: int = MAX_ITEMS_PER_CALL
    max_queries: int = MAX_IMAGES_PER_CALL
    max_stream_requests: int = _WINDOW

    @classmethod
    def of(cls, info: retrieval_pb2.GetServerInfoResponse) -> Self:
        """Read what a server publishes; an older one does not name them all."""
        default = cls()
        message_bytes = min(info.max_message_bytes or MAX_MESSAGE_BYTES, MAX_MESSAGE_BYTES)
        return cls(
            max_bytes=max(1, message_bytes - _ENVELOPE_BYTES),
            max_images=info.max_images or default.max_images,
            max_items=info.max_items or default.max_items,
            max_queries=info.max_queries or default.max_queries,
            max_stream_requests=info.max_stream_requests or default.max_stream_requests,
        )

    @staticmethod
    def size_of(data_bytes: int) -> int:
        """Return what an element of so many bytes takes up in its message."""
        return data_bytes + _ELEMENT_BYTES
