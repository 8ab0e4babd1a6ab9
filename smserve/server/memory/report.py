"""What a server tells of its memory: what was predicted, what there is, what it takes now."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from smserve.server.memory.limit import MemoryLimit
from smserve.server.memory.prediction import MemoryPrediction
from smserve.types import MemoryInfo

__all__ = ["MemoryReport", "resident_bytes"]

_PAGES: Final = Path("/proc/self/statm")  # of the process: all, resident, ...


def resident_bytes() -> int:
    """Return the memory of this process that is in use now, mapped files included; 0 where there is no Linux to say."""
    try:
        return int(_PAGES.read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryReport:
    """Of this process.

    Attributes:
        prediction: As it was told before anything was loaded; None for none.
        limit: What there is; None where nobody looked.
    """

    prediction: MemoryPrediction | None = None
    limit: MemoryLimit | None = None

    def info(self) -> MemoryInfo:
        """Return what a caller is told now."""
        predicted = self.prediction or MemoryPrediction(parts=())
        return MemoryInfo(
            resident_bytes=resident_bytes(),
            predicted_rest_bytes=predicted.at_rest,
            predicted_max_bytes=predicted.at_most,
            predicted_mapped_bytes=predicted.mapped,
            limit_bytes=self.limit.size if self.limit else 0,
        )
