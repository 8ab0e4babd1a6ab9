"""What galleries are searched with, and changing that while they are searched."""

from collections.abc import Sequence
from typing import Final

from smserve.engine.galleries import Galleries
from smserve.engine.served import Origin
from smserve.types import GenerationInfo

__all__ = ["Generations"]


class Generations:
    """Safe to use from many threads; see `GenerationAdmin`. An empty name of a gallery means the default one.

    All raise GalleryNotFound where no such gallery is served, and GalleryReadOnly where it is served for reading. The
    second form of each says what its answer is of, too.
    """

    def __init__(self, galleries: Galleries) -> None:
        self._galleries: Final = galleries

    def list(self, gallery: str) -> Sequence[GenerationInfo]:
        """Return the generations that a gallery keeps, newest first."""
        return self.listed(gallery)[0]

    def compact(self, gallery: str) -> GenerationInfo:
        """Build the next generation beside the running one and swap it in; returns it."""
        return self.compacted(gallery)[0]

    def roll_back(self, gallery: str, *, expected: int | None = None) -> GenerationInfo:
        """Go back to the generation that was in use before; returns it."""
        return self.rolled_back(gallery, expected=expected)[0]

    def listed(self, gallery: str) -> tuple[Sequence[GenerationInfo], Origin]:
        """See `list`."""
        with self._galleries.lease(gallery) as served:
            generations = served.admin().generations()
            return generations, served.origin(next((each.number for each in generations if each.current), 0))

    def compacted(self, gallery: str) -> tuple[GenerationInfo, Origin]:
        """See `compact`."""
        with self._galleries.lease(gallery) as served:
            made = served.admin().compact()
            return made, served.origin(made.number)

    def rolled_back(self, gallery: str, *, expected: int | None = None) -> tuple[GenerationInfo, Origin]:
        """See `roll_back`."""
        with self._galleries.lease(gallery) as served:
            gone_to = served.admin().roll_back(expected=expected)
            return gone_to, served.origin(gone_to.number)
