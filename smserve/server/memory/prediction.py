"""A prediction of memory, by its parts; and whether it fits."""

import logging
from dataclasses import dataclass, replace
from typing import Final

from smserve.errors import SmserveError
from smserve.server.memory.limit import MemoryLimit

__all__ = ["MemoryPart", "MemoryPrediction", "check_memory"]

_log: Final = logging.getLogger(__name__)

_SUPERVISOR: Final = 80 << 20
"""Of the process that looks after workers: measured 78 MiB, on Linux x86-64 and Python 3.11."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPart:
    """What one thing takes, in bytes.

    Attributes:
        name: For people.
        at_rest: Resident once the server has started and answered some searches, mapped files included.
        at_most: Of the process's own, under the heaviest load that its settings let in.
        mapped: Of files, at most: the system takes these pages back where memory is short.
    """

    name: str
    at_rest: int = 0
    at_most: int = 0
    mapped: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPrediction:
    """What a server takes.

    Attributes:
        parts: In the order in which they come; of all workers together.
        workers: Processes that serve.
    """

    parts: tuple[MemoryPart, ...]
    workers: int = 1

    def of_workers(self, workers: int) -> "MemoryPrediction":
        """Return what so many of such processes take together; they share the pages of mapped files."""
        parts = (replace(part, at_rest=workers * part.at_rest, at_most=workers * part.at_most) for part in self.parts)
        supervisor = MemoryPart(name="supervisor", at_rest=_SUPERVISOR, at_most=_SUPERVISOR)
        return MemoryPrediction(parts=(supervisor, *parts), workers=workers)

    @property
    def at_rest(self) -> int:
        """Resident once the server has started and answered some searches."""
        return sum(part.at_rest for part in self.parts)

    @property
    def at_most(self) -> int:
        """What must be there."""
        return sum(part.at_most for part in self.parts)

    @property
    def mapped(self) -> int:
        """Files that are mapped: searches are slow where there is no memory for them, and go on."""
        return sum(part.mapped for part in self.parts)

    def __str__(self) -> str:
        parts = ", ".join(f"{part.name} {_mib(part.at_most)}" for part in self.parts if part.at_most)
        workers = f"{self.workers} workers: " if self.workers > 1 else ""
        return (
            f"{workers}{_mib(self.at_rest)} MiB at rest, at most {_mib(self.at_most)} MiB ({parts}), and "
            f"{_mib(self.mapped)} MiB of mapped files"
        )


def check_memory(prediction: MemoryPrediction, limit: MemoryLimit) -> None:
    """Log what will be taken and what there is, and refuse what can't fit.

    Raises:
        SmserveError: It can't; with the numbers and the ways out.
    """
    _log.info("%s; there is %s", prediction, limit)
    if prediction.at_most > limit.size:
        raise SmserveError(
            f"the server may need more memory than there is, {limit}: {prediction}. Let it take on less with "
            f"--max-decoded-mib, --max-waiting, --max-in-flight or --workers, serve fewer galleries, give it more "
            f"memory, or say with --memory-limit how much there is"
        )


def _mib(size: int) -> str:
    return f"{round(size / (1 << 20)):,}"
