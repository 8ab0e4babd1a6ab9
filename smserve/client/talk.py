"""What a client says and hears, written once for both clients: no function here or in `calls` ever waits.

A talk is a generator. It yields the calls that it needs, is sent their answers (or has their errors thrown into it),
and returns the result. `Connection` runs talks on threads, `AsyncConnection` on an event loop; they differ in no more.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar

from google.protobuf.message import Message

__all__ = ["GALLERY", "LIMITS_WANTED", "RETRIEVAL", "Call", "LimitsWanted", "Talk"]

RETRIEVAL: Final = "RetrievalService"
GALLERY: Final = "GalleryService"

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call.

    Attributes:
        service: `RETRIEVAL` or `GALLERY`.
        method: The rpc's name.
        request: Its message.
        timeout_s: Longest time that it may take; None means the client's.
    """

    service: str
    method: str
    request: Message
    timeout_s: float | None = None


@dataclass(frozen=True, slots=True)
class LimitsWanted:
    """Yielded for the server's `Limits`, which a client asks for once."""


LIMITS_WANTED: Final = LimitsWanted()

Talk: TypeAlias = Generator[Call | LimitsWanted, Any, _Result]
"""A talk that ends in a result."""
