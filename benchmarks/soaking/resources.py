"""What a process holds, looked at once a second, and whether it grows."""

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["Growth", "Resources"]

_EVERY_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """Of one resource, over the seconds that were looked at.

    Attributes:
        slope: Of the line through all samples, an hour.
        error: Standard error of the slope: of what comes and goes in less time than was looked at.
        first: Mean of the first fifth.
        last: Mean of the last fifth.
        most: The largest sample of all.
    """

    slope: float
    error: float
    first: float
    last: float
    most: float


class Resources:
    """Samples in a thread of its own; a context manager that ends it."""

    def __init__(self, pid: int) -> None:
        """Look at a process, on Linux."""
        self._process: Final = Path(f"/proc/{pid}")
        self._samples: Final[list[tuple[float, ...]]] = []
        self._stop: Final = threading.Event()
        self._thread: Final = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def growth(self, name: str, *, since_s: float, least_of: int = 1) -> Growth:
        """Return how a resource grew.

        Args:
            name: "memory", in MiB, "own memory", the same without mapped files, "file descriptors" or "threads".
            since_s: When to begin, on the monotonic clock.
            least_of: So many samples count as one, the least: what is held for a moment is no growth.
        """
        column = 1 + ("memory", "own memory", "file descriptors", "threads").index(name)
        samples = np.array([sample for sample in self._samples if sample[0] >= since_s])
        most = float(samples[:, column].max())
        samples = samples[: len(samples) // least_of * least_of]
        hours = (samples[::least_of, 0] - samples[0, 0]) / 3600
        values = samples[:, column].reshape(-1, least_of).min(axis=1)
        slope, error = _line(hours, values)
        fifth = max(1, len(values) // 5)
        return Growth(
            slope=slope,
            error=error,
            first=float(values[:fifth].mean()),
            last=float(values[-fifth:].mean()),
            most=most,
        )

    def _run(self) -> None:
        while not self._stop.wait(_EVERY_S):
            try:
                status = (self._process / "status").read_text(encoding="ascii")
                files = sum(1 for _ in (self._process / "fd").iterdir())
            except OSError:  # it has ended
                return
            held = {name: line.split() for name, _, line in (row.partition(":") for row in status.splitlines())}
            memory, own = (int(held[name][0]) / 1024 for name in ("VmRSS", "RssAnon"))
            self._samples.append((time.monotonic(), memory, own, files, int(held["Threads"][0])))


def _line(x: NDArray[Any], y: NDArray[Any]) -> tuple[float, float]:
    """Return slope and its standard error, with samples that depend on the one before reckoned as fewer."""
    slope, start = np.polyfit(x, y, 1)
    rest = y - (slope * x + start)
    if not rest.any():
        return float(slope), 0.0
    follows = max(0.0, float(np.corrcoef(rest[:-1], rest[1:])[0, 1]))  # of a first-order process
    independent = max(3.0, len(x) * (1 - follows) / (1 + follows))
    return float(slope), float(rest.std() / (x.std() * np.sqrt(independent)))
