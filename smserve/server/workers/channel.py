"""What supervisor and worker tell each other: orders one way, reports the other, over two pipes.

A pipe ends with the process at its other end, so a worker knows when its supervisor is gone, and a supervisor when its
worker is, whatever became of it.
"""

import contextlib
import json
import os
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any, Final

__all__ = ["Order", "Report", "WorkerEnd"]


class Order(Enum):
    """What a worker is told."""

    SERVE = b"s"  # all that are to begin with it have loaded
    HURRY = b"h"  # stop at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a worker tells.

    Attributes:
        loaded: Model and galleries are.
        serving: It answers.
        metrics_url: Where it is scraped; None for nowhere.
        failure: Why it can't serve; empty where it can.
    """

    loaded: bool = False
    serving: bool = False
    metrics_url: str | None = None
    failure: str = ""

    def to_line(self) -> bytes:
        """Return it as a line."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> "Report":
        """Return the report of a line."""
        values: dict[str, Any] = json.loads(line)
        return cls(**values)


class WorkerEnd:
    """The worker's end of the pipes.

    Attributes:
        descriptor: To wait for an order, or the supervisor's end.
    """

    def __init__(self, orders: int, reports: int) -> None:
        """Take the descriptors over."""
        self.descriptor: Final = orders
        self._reports: Final = reports

    def tell(self, report: Report) -> None:
        """Send a report; without effect where the supervisor is gone."""
        with contextlib.suppress(BrokenPipeError):
            os.write(self._reports, report.to_line())

    def next_order(self) -> Order | None:
        """Wait for the next order; None: the supervisor is gone."""
        order = os.read(self.descriptor, 1)
        return Order(order) if order else None
