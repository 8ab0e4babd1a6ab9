"""Turns of sides that answer: how often each has one, and how long, and what is counted."""

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from benchmarks.server_process import ServerProcess
from benchmarks.side import Side

__all__ = ["CALLERS", "CORES", "WORKERS", "Pictures", "Turns", "answering_side"]

CORES: Final = 2
CALLERS: Final = 4
WORKERS: Final = ("--read-only", "--workers", str(CORES))
"""Options of `smserve serve`."""


class Turns:
    """How often, and how long each side has its turn."""

    def __init__(self, repetitions: int, seconds: float) -> None:
        self.repetitions: Final = repetitions
        self.seconds: Final = seconds

    def rate(self, load: Side, callers: int = CALLERS) -> float:
        """Return answers a second of all cores, the callers' own time taken out."""
        answer = load.ask(callers=callers, seconds=self.seconds)
        available = answer["seconds"] * CORES - answer["processor_s"]
        return float(answer["answers"] * CORES / available)

    def median_s(self, load: Side) -> float:
        """Return the median time of an answer, one at a time."""
        return float(load.ask(callers=1, seconds=self.seconds)["median_s"])

    def limit(self, one: Side, other: Side) -> float:
        """Return searches a second without gRPC: of two threads, or of two processes, whichever is more."""
        both: list[dict[str, Any]] = []
        workers = [
            threading.Thread(target=lambda side=side: both.append(side.ask(threads=1, seconds=self.seconds)))
            for side in (one, other)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        threads = one.ask(threads=CORES, seconds=self.seconds)
        of_threads = float(threads["searches"] / threads["seconds"])
        return max(of_threads, sum(float(each["searches"] / each["seconds"]) for each in both))


class Pictures:
    """A model, a gallery made with it, and photos to search with."""

    def __init__(self, model: Path, gallery: Path, photos: Sequence[Path]) -> None:
        self.model: Final = model
        self.gallery: Final = gallery
        self.photos: Final = [str(photo) for photo in photos]

    @contextmanager
    def served(self, *options: str) -> Iterator[Side]:
        """Serve the gallery, and yield callers."""
        with (
            ServerProcess(self.model, "--gallery", str(self.gallery), *options, log_level="info") as server,
            answering_side("load", "picture", server.address, *self.photos) as load,
        ):
            yield load

    @contextmanager
    def plain(self) -> Iterator[Side]:
        """Serve the gallery plainly, and yield callers."""
        with (
            answering_side("plain", "--model", str(self.model), "--gallery", str(self.gallery)) as server,
            answering_side("load", "picture", server.built["address"], *self.photos) as load,
        ):
            yield load

    def bare(self, *options: str) -> Side:
        """Return searches without gRPC."""
        return answering_side(
            "bare", "--model", str(self.model), "--gallery", str(self.gallery), *options, *self.photos
        )


def answering_side(module: str, *arguments: str) -> Side:
    """Start a module of this folder."""
    return Side(module, [sys.executable, "-m", f"benchmarks.answering.{module}", *arguments], 1)
