"""A gallery that is searched and written to: in this process, or by a server process on this machine."""

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np

from benchmarks import server_process
from benchmarks.swapping.clients import TOP_K, Answer, Ask
from smserve.client import Client
from smserve.gallery import LiveGallery, NewItem
from smserve.types import FieldMask, UpsertItem

__all__ = ["InProcess", "Served", "ServerProcess"]


class Served(ABC):
    """A context manager."""

    pid: int
    """Of the process whose memory is looked at."""

    @abstractmethod
    def write(self, items: Sequence[NewItem]) -> int:
        """Write items; returns the number of the write."""

    @abstractmethod
    def swap(self) -> tuple[int, int]:
        """Swap in the next generation; returns its number and the last write that it holds."""

    @abstractmethod
    def asks(self, queries: np.ndarray, count: int) -> list[Ask]:
        """Return so many clients."""

    @abstractmethod
    def close(self) -> None:
        """End it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class InProcess(Served):
    """The gallery itself; its answers name the write that they hold."""

    def __init__(self, gallery: Path) -> None:
        self.pid = os.getpid()
        self._gallery: Final = LiveGallery.open(gallery, compaction=None)

    def write(self, items: Sequence[NewItem]) -> int:
        """See `Served`."""
        return self._gallery.upsert(items).sequence

    def swap(self) -> tuple[int, int]:
        """See `Served`."""
        info = self._gallery.compact()
        return info.number, info.last_sequence

    def asks(self, queries: np.ndarray, count: int) -> list[Ask]:
        """See `Served`."""

        def ask(query: int) -> Answer:
            found = self._gallery.search(queries[query : query + 1], TOP_K, FieldMask(payload=False))
            return Answer(found.generation, found.sequence, found.hits[0])

        return [ask] * count

    def close(self) -> None:
        """End it."""
        self._gallery.close()


class ServerProcess(Served):
    """`smserve serve` on a free port; its answers name the generation."""

    def __init__(self, model: Path, gallery: Path) -> None:
        self._process: Final = server_process.ServerProcess(model, "--gallery", str(gallery))
        self.pid = self._process.pid
        self._address: Final = self._process.address
        self._clients: Final = [Client(self._address)]

    def write(self, items: Sequence[NewItem]) -> int:
        """See `Served`."""
        return (
            self._clients[0].upsert([UpsertItem(item_id=item.item_id, vector=item.vector) for item in items]).sequence
        )

    def swap(self) -> tuple[int, int]:
        """See `Served`."""
        info = self._clients[0].compact()
        return info.number, info.last_sequence

    def asks(self, queries: np.ndarray, count: int) -> list[Ask]:
        """See `Served`."""
        return [self._ask(queries) for _ in range(count)]

    def close(self) -> None:
        """End it."""
        for client in self._clients:
            client.close()
        self._process.stop()

    def _ask(self, queries: np.ndarray) -> Ask:
        client = Client(self._address)
        self._clients.append(client)

        def ask(query: int) -> Answer:
            found = client.search(queries[query], top_k=TOP_K, payload=False)
            return Answer(found.generation, -1, found.hits)

        return ask
