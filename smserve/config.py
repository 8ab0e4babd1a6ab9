"""Limits and defaults, each in one place and with its unit."""

from dataclasses import dataclass

__all__ = [
    "CHECK_EVERY",
    "DECODED_BYTES_IN_FLIGHT",
    "DEFAULT_HOST",
    "DEFAULT_MAX_STREAMS",
    "DEFAULT_MAX_STREAM_REQUESTS",
    "DEFAULT_MAX_WAITING",
    "DEFAULT_PAGE_SIZE",
    "DEFAULT_PORT",
    "MAX_IMAGES_PER_CALL",
    "MAX_ITEMS_PER_CALL",
    "MAX_MESSAGE_BYTES",
    "MAX_PAGE_SIZE",
    "MAX_QUERIES_PER_CALL",
    "ImageLimits",
    "SearchLimits",
]

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 50051

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""Largest gRPC message, for server and client alike."""

DEFAULT_MAX_WAITING = 64
"""Calls that wait for others to end; one more is refused."""

DEFAULT_MAX_STREAMS = 16
"""Streams that are open at a time."""

DEFAULT_MAX_STREAM_REQUESTS = 8
"""Unanswered requests of one stream."""

MAX_IMAGES_PER_CALL = 64
"""Most pictures of one Embed, BatchSearch or UpsertItems call."""

MAX_QUERIES_PER_CALL = 256
"""Most queries of one BatchSearch call."""

MAX_ITEMS_PER_CALL = 1000
"""Most items of one UpsertItems call, and most ids of one DeleteItems call."""

MAX_PAGE_SIZE = 1000
"""Most items of one ListItems call."""

DEFAULT_PAGE_SIZE = 100

CHECK_EVERY = 1000
"""A server repeats one search in so many by exact search."""

DECODED_BYTES_IN_FLIGHT = 1024 * 1024 * 1024
"""Memory that pictures being decoded at the same time may take together; further ones wait."""

_ENVELOPE_BYTES = 64 * 1024  # room for a request's other fields beside its picture


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageLimits:
    """What a picture may cost; checked from its header, before a pixel is decoded.

    Attributes:
        max_bytes: Encoded size.
        max_pixels: Width times height.
    """

    max_bytes: int = MAX_MESSAGE_BYTES - _ENVELOPE_BYTES
    max_pixels: int = 50_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchLimits:
    """How many neighbours one search may ask for."""

    max_top_k: int = 1000
    default_top_k: int = 10
