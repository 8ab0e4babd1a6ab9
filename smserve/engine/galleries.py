"""The galleries that an engine serves, by name, and what each of them can do."""

import dataclasses
from collections.abc import Mapping
from typing import Final

from smserve.errors import GalleryNotFound, GalleryReadOnly
from smserve.gallery.interface import GalleryReader, GalleryWriter, GenerationAdmin
from smserve.gallery.values import Written
from smserve.types import GalleryInfo, WriteResult

__all__ = ["Galleries"]


class Galleries:
    """Owns them and closes them; an empty name means the first."""

    def __init__(self, galleries: Mapping[str, GalleryReader]) -> None:
        self._galleries: Final = dict(galleries)

    def reader(self, name: str) -> tuple[str, GalleryReader]:
        """Return a gallery and its name.

        Raises:
            GalleryNotFound: No such gallery is served.
        """
        if not self._galleries:
            raise GalleryNotFound("this server serves no gallery; start it with --gallery DIR")
        name = name or next(iter(self._galleries))
        if name not in self._galleries:
            raise GalleryNotFound(
                f"there is no gallery {name!r} here; galleries served: {', '.join(map(repr, self._galleries))}"
            )
        return name, self._galleries[name]

    def writer(self, name: str) -> tuple[str, GalleryWriter]:
        """Return a gallery that can be written to, and its name.

        Raises:
            GalleryNotFound: No such gallery is served.
            GalleryReadOnly: It was opened for reading.
        """
        name, gallery = self.reader(name)
        if not isinstance(gallery, GalleryWriter):
            raise _read_only(name)
        return name, gallery

    def admin(self, name: str) -> GenerationAdmin:
        """Return a gallery whose generations can be changed.

        Raises:
            GalleryNotFound: No such gallery is served.
            GalleryReadOnly: It was opened for reading.
        """
        name, gallery = self.reader(name)
        if not isinstance(gallery, GenerationAdmin):
            raise _read_only(name)
        return gallery

    def result(self, name: str, written: Written, model_fingerprint: str) -> WriteResult:
        """Return what a caller is told of a write to a gallery."""
        return WriteResult(
            sequence=written.sequence,
            item_count=written.item_count,
            repeated=written.repeated,
            gallery=name,
            generation=self._galleries[name].info().generation,
            model_fingerprint=model_fingerprint,
        )

    def infos(self) -> tuple[GalleryInfo, ...]:
        """Describe them; the first is the default."""
        return tuple(dataclasses.replace(reader.info(), name=name) for name, reader in self._galleries.items())

    def close(self) -> None:
        """Close them; calling it twice is harmless."""
        for reader in self._galleries.values():
            reader.close()


def _read_only(name: str) -> GalleryReadOnly:
    return GalleryReadOnly(
        f"gallery {name!r} is served for reading only; write to it where it is served for writing, or start this "
        f"server so"
    )
