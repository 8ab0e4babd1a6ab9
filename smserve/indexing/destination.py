"""Where a build writes: a folder, or a collection of Milvus. What is finished is never overwritten."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Final

from smserve.errors import GalleryExists
from smserve.gallery import GalleryWriter, LocalGalleryWriter, is_finished
from smserve.gallery.milvus import MilvusAddress, MilvusWriter
from smserve.gallery.publication import IndexBuilder

__all__ = ["Destination", "destination_of"]


class Destination(ABC):
    """A gallery that is to be built."""

    @abstractmethod
    def check_unfinished(self) -> None:
        """Notice early, where that costs little, that there is a finished gallery.

        Raises:
            GalleryExists: There is one.
        """

    @abstractmethod
    def open(self, *, model_fingerprint: str, dimension: int) -> GalleryWriter:
        """Begin, or go on.

        Raises:
            GalleryExists: There is a finished gallery, or something else.
            GalleryLocked: Another build of it is running.
            ModelMismatch: The interrupted build had another model.
        """

    @abstractmethod
    def publish(self) -> int:
        """Finish what was opened; returns the generation."""


class _Folder(Destination):
    def __init__(self, folder: Path, build_index: IndexBuilder) -> None:
        self._folder: Final = folder
        self._build_index: Final = build_index

    def check_unfinished(self) -> None:
        if is_finished(self._folder):
            raise _finished(self._folder)

    def open(self, *, model_fingerprint: str, dimension: int) -> GalleryWriter:
        self._writer = LocalGalleryWriter(self._folder, model_fingerprint=model_fingerprint, dimension=dimension)
        try:
            self.check_unfinished()  # again: another build may have finished it before the lock was ours
        except GalleryExists:
            self._writer.close()
            raise
        return self._writer

    def publish(self) -> int:
        return self._writer.publish(self._build_index)


class _Milvus(Destination):
    def __init__(self, address: MilvusAddress) -> None:
        self._address: Final = address

    def check_unfinished(self) -> None:
        pass  # it is asked once it is opened

    def open(self, *, model_fingerprint: str, dimension: int) -> GalleryWriter:
        self._writer = MilvusWriter.open(self._address, model_fingerprint=model_fingerprint, dimension=dimension)
        if self._writer.generation:
            self._writer.close()
            raise _finished(self._address)
        return self._writer

    def publish(self) -> int:
        return self._writer.publish()


def destination_of(gallery: Path | MilvusAddress, build_index: IndexBuilder) -> Destination:
    """Return the destination that a folder or an address means; Milvus builds its index itself."""
    return _Milvus(gallery) if isinstance(gallery, MilvusAddress) else _Folder(gallery, build_index)


def _finished(gallery: Path | MilvusAddress) -> GalleryExists:
    return GalleryExists(
        f"{gallery} holds a finished gallery, which is never overwritten; choose another --gallery, or remove it"
    )
