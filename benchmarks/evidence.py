"""How a benchmark says what it found: the machine in words, and one JSON line a measure."""

import json
import os
import platform
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

__all__ = ["describe_machine", "print_measure"]


def describe_machine() -> str:
    """Return processor, cores, memory and Python in one line."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    model = next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine()
    )
    gibibytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{model}, {cores} cores, {gibibytes:.0f} GiB, {platform.system()}, Python {platform.python_version()}"


def print_measure(
    name: str, values: Sequence[float], *, goal: float | None = None, better: Literal["higher", "lower"]
) -> None:
    """Print the mean of `values` with its spread (smallest, largest) as one JSON line."""
    line = {
        "measure": name,
        "value": _shortened(statistics.fmean(values)),
        "goal": goal,
        "better": better,
        "spread": [_shortened(min(values)), _shortened(max(values))],
        "n": len(values),
    }
    print(json.dumps(line), flush=True)


def _shortened(value: float) -> float:
    """Return the value with four decimals, or with four digits if it is smaller than 1."""
    return round(value, 4) if abs(value) >= 1 else float(f"{value:.4g}")
