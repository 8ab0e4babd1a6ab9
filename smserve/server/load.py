"""How busy a server is at a moment."""

from collections.abc import Mapping
from dataclasses import dataclass

from smserve.server.refusals import Refusal

__all__ = ["Load"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Calls and streams.

    Attributes:
        running: Calls that have a place.
        waiting: Calls that wait for one.
        streams: Open ones.
        refusals: How many were turned away since the start.
    """

    running: int
    waiting: int
    streams: int
    refusals: Mapping[Refusal, int]
