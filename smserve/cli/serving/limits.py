"""Options of `smserve serve`: how much at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click

from smserve.cli.option_group import option_group
from smserve.config import DECODED_BYTES_IN_FLIGHT, DEFAULT_MAX_STREAMS, DEFAULT_MAX_WAITING

if TYPE_CHECKING:
    from smserve.server.memory import MemoryLimit

__all__ = ["Limits", "limit_options"]

_MIB: Final = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the server takes on at a time, with several workers each of them; the memory is of all together."""

    max_in_flight: int | None
    max_waiting: int
    max_streams: int
    max_decoded_mib: int
    memory_limit_mib: int | None

    @property
    def max_decoded_bytes(self) -> int:
        """Memory for pictures being decoded."""
        return self.max_decoded_mib * _MIB

    def memory_limit(self) -> MemoryLimit:
        """Return how much memory there is."""
        from smserve.server.memory import MemoryLimit, memory_limit

        if self.memory_limit_mib is None:
            return memory_limit()
        return MemoryLimit(self.memory_limit_mib * _MIB, "--memory-limit")

    def to_settings(self, workers: int) -> dict[str, Any]:
        """Return what `ServerSettings` takes of them, of each of so many processes."""
        from smserve.server.settings import default_in_flight

        return {
            "max_in_flight": default_in_flight(workers) if self.max_in_flight is None else self.max_in_flight,
            "max_waiting": self.max_waiting,
            "max_streams": self.max_streams,
        }


limit_options = option_group(
    "limits",
    Limits,
    click.option(
        "--max-in-flight",
        type=click.IntRange(1, 1024),
        show_default="each worker's share of the cores, and one",
        help="Calls that run at the same time.",
    ),
    click.option(
        "--max-waiting",
        type=click.IntRange(0, 4096),
        default=DEFAULT_MAX_WAITING,
        help="Calls that wait for others to end; further ones are told to try again.",
    ),
    click.option(
        "--max-streams",
        type=click.IntRange(0, 1024),
        default=DEFAULT_MAX_STREAMS,
        help="Streams that may be open at a time.",
    ),
    click.option(
        "--max-decoded-mib",
        type=click.IntRange(1),
        default=DECODED_BYTES_IN_FLIGHT // _MIB,
        metavar="MIB",
        help="Memory for pictures being decoded at a time; further ones wait.",
    ),
    click.option(
        "--memory-limit",
        "memory_limit_mib",
        type=click.IntRange(1),
        metavar="MIB",
        show_default="what the machine, the control group and ulimit -v leave",
        help="Don't start where more than this may be needed.",
    ),
)
