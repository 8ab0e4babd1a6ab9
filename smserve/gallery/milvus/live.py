"""A gallery in Milvus that one process both searches and writes to."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from smserve.gallery.condition import Condition
from smserve.gallery.interface import GalleryWriter
from smserve.gallery.milvus.address import MilvusAddress
from smserve.gallery.milvus.connection import Connection
from smserve.gallery.milvus.reader import MilvusReader
from smserve.gallery.milvus.schema import Collections
from smserve.gallery.milvus.writer import MilvusWriter
from smserve.gallery.presence import Presence
from smserve.gallery.values import NewItem, Source, Written

__all__ = ["MilvusGallery"]


class MilvusGallery(MilvusReader, GalleryWriter):
    """Search, look up and write, over one connection; safe to call from many threads; a context manager."""

    def __init__(self, connection: Connection, collections: Collections, *, name: str = "") -> None:
        """See `open`."""
        super().__init__(connection, collections, name=name)
        self._changing: Final = threading.Lock()
        self._writer = MilvusWriter(connection, collections)

    @classmethod
    def open(cls, address: MilvusAddress, *, name: str = "", model_fingerprint: str | None = None) -> "MilvusGallery":
        """Open a finished gallery; see `MilvusReader.open`."""
        gallery = super().open(address, name=name, model_fingerprint=model_fingerprint)
        assert isinstance(gallery, cls)  # noqa: S101 - for the type checker
        return gallery

    def sources(self) -> Mapping[str, Source]:
        """Return what is stored, by item_id."""
        return self._current_writer().sources()

    def presence(self, items: Sequence[NewItem]) -> list[Presence]:
        """Tell of each item whether it is stored, and whether just so; see `GalleryWriter`."""
        return self._current_writer().presence(items)

    def upsert(self, items: Sequence[NewItem], *, request_id: str = "") -> Written:
        """Store items durably, all or none; see `GalleryWriter`."""
        return self._current_writer().upsert(items, request_id=request_id)

    def delete(self, selected: Iterable[str] | Condition, *, request_id: str = "") -> Written:
        """Delete items durably, by id or by condition; see `GalleryWriter`."""
        return self._current_writer().delete(selected, request_id=request_id)

    def publish(self) -> int:
        """Count one more generation; see `MilvusWriter.publish`."""
        return self._current_writer().publish()

    def _current_writer(self) -> MilvusWriter:
        """Return the writer to where the address leads."""
        with self._changing:
            collections = self._followed.now()
            if collections != self._writer.collections:
                self._writer = MilvusWriter(self._connection, collections)
            return self._writer

    def __enter__(self) -> "MilvusGallery":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
