"""What galleries are searched with, and changing that while they are searched."""

from collections.abc import Sequence
from typing import Final

from smserve.engine.galleries import Galleries
from smserve.types import GenerationInfo

__all__ = ["Generations"]


class Generations:
    """Safe to use from many threads; see `GenerationAdmin`. An empty name of a gallery means the first one.

    All raise GalleryNotFound where no such gallery is served, and GalleryReadOnly where it is served for reading.
    """

    def __init__(self, galleries: Galleries) -> None:
        self._galleries: Final = galleries

    def list(self, gallery: str) -> Sequence[GenerationInfo]:
        """Return the generations that a gallery keeps, newest first."""
        return self._galleries.admin(gallery).generations()

    def compact(self, gallery: str) -> GenerationInfo:
        """Build the next generation beside the running one and swap it in; returns it."""
        return self._galleries.admin(gallery).compact()

    def roll_back(self, gallery: str, *, expected: int | None = None) -> GenerationInfo:
        """Go back to the generation that was in use before; returns it."""
        return self._galleries.admin(gallery).roll_back(expected=expected)
