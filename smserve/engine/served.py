"""A gallery with the model that its vectors are of: the pair that every answer comes from."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from smserve.engine.models import Model
from smserve.errors import GalleryFixed, GalleryReadOnly
from smserve.gallery.interface import GalleryReader, GalleryWriter, GenerationAdmin, GenerationReader
from smserve.gallery.values import Written
from smserve.types import GalleryInfo, GenerationInfo, ItemFailure, WriteResult

__all__ = ["Origin", "ServedGallery"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What a reply was made with."""

    model_fingerprint: str
    gallery: str
    generation: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ServedGallery:
    """What a lease gives; it stays open, and the same, as long as the lease.

    Attributes:
        name: That it is served under, never an alias.
        reader: The gallery.
        model: Of its vectors.
        folder: Where it lies; None where it lies in none.
        ours: It lies in the server's folder of galleries, and so can be dropped.
    """

    name: str
    reader: GalleryReader
    model: Model
    folder: Path | None = None
    ours: bool = False

    @property
    def is_writable(self) -> bool:
        """Whether it can be written to here."""
        return isinstance(self.reader, GalleryWriter)

    def writer(self) -> GalleryWriter:
        """Return it for writing.

        Raises:
            GalleryReadOnly: It was opened for reading.
        """
        if not isinstance(self.reader, GalleryWriter):
            raise self._read_only()
        return self.reader

    def generations(self) -> Sequence[GenerationInfo]:
        """Return what is kept to search it with, newest first.

        Raises:
            GalleryFixed: It has no such thing.
        """
        if not isinstance(self.reader, GenerationReader):
            raise self._no_generations()
        return self.reader.generations()

    def admin(self) -> GenerationAdmin:
        """Return it for changing what it is searched with.

        Raises:
            GalleryReadOnly: It was opened for reading.
            GalleryFixed: It has no such thing.
        """
        if self.is_writable and not isinstance(self.reader, GenerationAdmin):
            raise self._no_generations()
        if not isinstance(self.reader, GenerationAdmin):
            raise self._read_only()
        return self.reader

    def origin(self, generation: int | None = None) -> Origin:
        """Name model, gallery and generation; that which is searched now, by default."""
        return Origin(
            model_fingerprint=self.model.fingerprint,
            gallery=self.name,
            generation=self.generation() if generation is None else generation,
        )

    def generation(self) -> int:
        """Return the one that is searched now."""
        return self.reader.info().generation

    def result(self, written: Written, failures: tuple[ItemFailure, ...] = ()) -> WriteResult:
        """Return what a caller is told of a write."""
        return WriteResult(
            sequence=written.sequence,
            item_count=written.item_count,
            repeated=written.repeated,
            gallery=self.name,
            generation=self.generation(),
            model_fingerprint=self.model.fingerprint,
            failures=failures,
        )

    def info(self, aliases: tuple[str, ...] = ()) -> GalleryInfo:
        """Describe it."""
        return dataclasses.replace(
            self.reader.info(),
            name=self.name,
            aliases=aliases,
            model_name=self.model.name,
            writable=self.is_writable,
        )

    def _no_generations(self) -> GalleryFixed:
        return GalleryFixed(
            f"gallery {self.name!r} keeps no generations, since it lies in no folder; what stores it compacts by itself"
        )

    def _read_only(self) -> GalleryReadOnly:
        return GalleryReadOnly(
            f"gallery {self.name!r} is served for reading only; write to it where it is served for writing, or start "
            f"this server so: without --read-only, and with one worker"
        )
