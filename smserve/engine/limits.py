"""How much at once the server around an engine takes on; for who asks the engine what it can do."""

from dataclasses import dataclass

__all__ = ["CallLimits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimits:
    """Limits of a server; 0 where there is no server.

    Attributes:
        max_queries: Queries of one BatchSearch.
        max_streams: Streams open at a time.
        max_stream_requests: Unanswered requests of one stream.
        max_in_flight: Calls that run at a time.
        max_waiting: Calls that wait for others to end.
    """

    max_queries: int = 0
    max_streams: int = 0
    max_stream_requests: int = 0
    max_in_flight: int = 0
    max_waiting: int = 0
