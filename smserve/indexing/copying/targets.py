"""Where a copy writes; what an interrupted one has left there is gone on with."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from smserve.errors import AlreadyExists
from smserve.gallery import NewItem, Presence
from smserve.gallery.interchange import PART_ROWS, Header, ItemFileParts
from smserve.gallery.row import Row, row_of
from smserve.gallery.tuning import chosen_index
from smserve.indexing.copying.place import Place, is_item_file
from smserve.indexing.copying.sides import Side
from smserve.indexing.destination import Destination, destination_of

__all__ = ["Target", "check_free", "open_target"]


class Target(ABC):
    """A gallery or a file in the making."""

    @abstractmethod
    def take(self, items: Sequence[NewItem]) -> int:
        """Take in the next items; returns how many were written now, since they were not there just so."""

    @abstractmethod
    def finish(self) -> tuple[int, int]:
        """Remove what was not taken in, and make the rest findable; returns what `take` does, and the generation."""

    @abstractmethod
    def close(self) -> None:
        """Let go of it."""


class _Gallery(Target):
    def __init__(self, destination: Destination, source: Side) -> None:
        self._destination: Final = destination
        self._writer: Final = destination.open(model_fingerprint=source.model_fingerprint, dimension=source.dimension)
        self._untaken: Final = set(self._writer.sources())

    def take(self, items: Sequence[NewItem]) -> int:
        presence = self._writer.presence(items)
        lacking = [item for item, each in zip(items, presence, strict=True) if each is not Presence.SAME]
        if lacking:
            self._writer.upsert(lacking)
        self._untaken.difference_update(item.item_id for item in items)
        return len(lacking)

    def finish(self) -> tuple[int, int]:
        if self._untaken:
            self._writer.delete(sorted(self._untaken))
        return 0, self._destination.publish()

    def close(self) -> None:
        self._writer.close()


class _File(Target):
    def __init__(self, file: Path, source: Side) -> None:
        self._source: Final = source
        self._parts: Final = ItemFileParts(file, dimension=source.dimension, thumbnails=True)
        self._waiting: list[tuple[Row, bytes | None]] = []
        self._count = 0

    def take(self, items: Sequence[NewItem]) -> int:
        self._waiting += [(row_of(item, 0, 0), item.thumbnail) for item in items]
        self._count += len(items)
        written = 0
        while len(self._waiting) >= PART_ROWS:
            written += self._write()
        return written

    def finish(self) -> tuple[int, int]:
        written = self._write() if self._waiting else 0
        header = Header(
            model_fingerprint=self._source.model_fingerprint,
            dimension=self._source.dimension,
            metric="cosine",
            item_count=self._count,
            last_sequence=0,
        )
        self._parts.finish(header)
        return written, 0

    def close(self) -> None:
        self._parts.close()

    def _write(self) -> int:
        rows, thumbnails = zip(*self._waiting[:PART_ROWS], strict=True)
        self._waiting = self._waiting[PART_ROWS:]
        return self._parts.add(rows, thumbnails)


def check_free(place: Place) -> None:
    """Notice early, where that costs little, that there is something already.

    Raises:
        GalleryExists: A finished gallery.
        AlreadyExists: A file.
    """
    if not is_item_file(place):
        _destination(place).check_unfinished()
    elif place.exists():
        raise AlreadyExists(f"{place} is there already; remove it, or choose another name")


def open_target(place: Place, source: Side) -> Target:
    """Begin to make a gallery or a file of what a source holds, or go on.

    Raises:
        GalleryExists: There is a finished gallery, or something else.
        AlreadyExists: There is a file.
        GalleryLocked: Another process writes there.
        ModelMismatch: What was begun there is of another model.
    """
    return _File(place, source) if is_item_file(place) else _Gallery(_destination(place), source)


def _destination(place: Place) -> Destination:
    return destination_of(place, chosen_index(place if isinstance(place, Path) else Path()))
