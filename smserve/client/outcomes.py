"""What became of one write of a stream."""

from __future__ import annotations

from dataclasses import dataclass

from smserve.errors import SmserveError
from smserve.types import WriteResult

__all__ = ["WriteOutcome"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WriteOutcome:
    """One write of a stream: exactly one of `result` and `error` is set.

    Attributes:
        first: The place of its first item among those that were given, from 0.
        count: How many it has, one after the other.
        result: The write is durable. The places of its `failures` count from `first`.
        error: Why nothing of it was stored or deleted.
    """

    first: int
    count: int
    result: WriteResult | None = None
    error: SmserveError | None = None
