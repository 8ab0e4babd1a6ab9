"""What a server can take on at once, from its settings."""

from typing import Final

from smserve.config import MAX_QUERIES_PER_CALL
from smserve.engine import CallLimits
from smserve.server.arrival import CAN_READ_AHEAD
from smserve.server.reflection import MAX_STREAMS as REFLECTION_STREAMS
from smserve.server.settings import ServerSettings

__all__ = ["ADMINISTRATORS", "call_limits", "thread_count"]

ADMINISTRATORS: Final = 4
"""Calls at a time that change galleries as a whole."""

_RESERVED: Final = 8
"""Threads for health, and for refusing streams and administration: an abort needs a thread, too."""


def thread_count(settings: ServerSettings) -> int:
    """Return how many threads gRPC has for what is not answered in the pool of calls: none must keep health waiting."""
    calls = 0 if CAN_READ_AHEAD else settings.max_in_flight + settings.max_waiting
    return calls + settings.max_streams + ADMINISTRATORS + REFLECTION_STREAMS + _RESERVED


def call_limits(settings: ServerSettings) -> CallLimits:
    """Return what GetServerInfo publishes of the settings."""
    return CallLimits(
        max_queries=MAX_QUERIES_PER_CALL,
        max_streams=settings.max_streams,
        max_stream_requests=settings.max_stream_requests,
        max_in_flight=settings.max_in_flight,
        max_waiting=settings.max_waiting,
    )
