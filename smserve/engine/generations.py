"""What galleries are searched with, and changing that while they are searched."""

from collections.abc import Sequence
from typing import Final

from smserve.engine.galleries import Galleries
from smserve.engine.served import Origin
from smserve.types import GenerationInfo

__all__ = ["Generations"]


class Generations:
    """Safe to use from many threads; see `GenerationAdmin`. An empty name of a gallery means the default one.

    All raise GalleryNotFound where no such gallery is served, and GalleryFixed where it has no generations; those that
    change something raise GalleryReadOnly where it is served for reading. Each answer comes with what it is of.
    """

    def __init__(self, galleries: Galleries) -> None:
        self._galleries: Final = galleries

    def list(self, gallery: str) -> tuple[Sequence[GenerationInfo], Origin]:
        """Return the generations that a gallery keeps, newest first."""
        with self._galleries.lease(gallery) as served:
            generations = served.generations()
            return generations, served.origin(next((each.number for each in generations if each.current), 0))

    def compact(self, gallery: str) -> tuple[GenerationInfo, Origin]:
        """Build the next generation beside the running one and swap it in; returns it."""
        with self._galleries.lease(gallery) as served:
            made = served.admin().compact()
            return made, served.origin(made.number)

    def roll_back(self, gallery: str, *, expected: int | None = None) -> tuple[GenerationInfo, Origin]:
        """Go back to the generation that was in use before; returns it."""
        with self._galleries.lease(gallery) as served:
            gone_to = served.admin().roll_back(expected=expected)
            return gone_to, served.origin(gone_to.number)
