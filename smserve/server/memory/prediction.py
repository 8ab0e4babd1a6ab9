"""A prediction of memory, by its parts; and whether it fits."""

import logging
from dataclasses import dataclass
from typing import Final

from smserve.errors import SmserveError
from smserve.server.memory.limit import MemoryLimit

__all__ = ["MemoryPart", "MemoryPrediction", "check_memory"]

_log: Final = logging.getLogger(__name__)


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
    """The parts, in the order in which they come."""

    parts: tuple[MemoryPart, ...]

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
        return (
            f"{_mib(self.at_rest)} MiB at rest, at most {_mib(self.at_most)} MiB ({parts}), and {_mib(self.mapped)} "
            f"MiB of mapped files"
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
            f"--max-decoded-mib, --max-waiting or --max-in-flight, serve fewer galleries, give it more memory, or say "
            f"with --memory-limit how much there is"
        )


def _mib(size: int) -> str:
    return f"{round(size / (1 << 20)):,}"
