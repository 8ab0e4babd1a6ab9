"""From one generation to another while searches and writes go on; forwards and back."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from smserve.errors import GalleryDamaged, GenerationMismatch
from smserve.gallery.current import Current, write_current
from smserve.gallery.following import caught_up
from smserve.gallery.generation import Generation, generation_numbers, manifest_sha256, read_manifest
from smserve.gallery.kept import describe_generation, kept_generations, previous_generation
from smserve.gallery.opening import sound_generation
from smserve.gallery.points import At
from smserve.gallery.publication import drop_generations
from smserve.gallery.records import Records
from smserve.gallery.values import GenerationInfo
from smserve.gallery.view import View
from smserve.gallery.views import Views
from smserve.gallery.writer import LocalGalleryWriter

__all__ = ["Swap"]


class Swap:
    """Knows which generation is in use and which was before; all but `drop` and `generations` is for one at a time."""

    def __init__(
        self, path: Path, records: Records, writer: LocalGalleryWriter, views: Views, current: Current | None, at: At
    ) -> None:
        self._path: Final = path
        self._records: Final = records
        self._writer: Final = writer
        self._views: Final = views
        self._current = current
        self._at: Final = at

    @property
    def held(self) -> bool:
        """The generation in use was gone back to: nothing is to replace it by itself."""
        return self._current is not None and self._current.held

    def is_on_current(self) -> bool:
        """Whether searches use the generation that CURRENT names; they don't where that is damaged."""
        return self._current is not None and self._current.generation == self._views.current.number

    def generations(self) -> Sequence[GenerationInfo]:
        """Return the generations whose manifest is sound, newest first."""
        return kept_generations(self._path, self._current, self._views.current.number)

    def describe(self, number: int) -> GenerationInfo:
        """Return what a generation says about itself.

        Raises:
            GalleryDamaged: Its manifest can't be read.
        """
        return describe_generation(self._path, number, self._current, self._views.current.number)

    def open_previous(self) -> tuple[Generation, str]:
        """Open the generation that was in use before; returns it and the sha256 of its manifest.

        Raises:
            GenerationMismatch: There is none.
            GalleryDamaged: It is damaged.
        """
        number = self._previous()
        if number not in generation_numbers(self._path):
            raise GenerationMismatch(
                f"gallery {self._path} has no generation from before {self._views.current.number} to go back to; one "
                f"is kept from the next compaction on"
            )
        sha256 = manifest_sha256(self._path, number)
        return sound_generation(self._path, self._records, number, sha256), sha256

    def to(self, generation: Generation, manifest_sha256: str, *, held: bool) -> None:
        """Let the next search use a generation, and what was written since; what nothing needs any more goes.

        Raises:
            GalleryDamaged: It would find less than the one in use; nothing is changed.
            SmserveError: CURRENT can't be written; nothing is changed.
        """
        self._at("swap.verified")
        dimension = generation.manifest.dimension
        view = caught_up(View.of(generation, dimension), self._records, dimension)  # most of it, while writes go on
        with self._writer.paused():
            view, before = caught_up(view, self._records, dimension), self._views.current
            if view.count != before.count:
                raise GalleryDamaged(
                    f"generation {view.number} of gallery {self._path} would find {view.count:,} items, the one in use "
                    f"finds {before.count:,}; it is not used; restore the gallery from a copy, or build it again"
                )
            current = Current(
                generation=view.number, manifest_sha256=manifest_sha256, previous=before.number, held=held
            )
            write_current(self._path, current, self._at)
            self._at("swap.switched")
            self._current = current
            self._views.replace(view)
        self._at("swap.seen")
        self._tidy()

    def drop(self, number: int) -> None:
        """Remove a generation that no search uses any more, unless it is kept for going back."""
        if self._current is not None and number not in {self._current.generation, self._current.previous, 0}:
            drop_generations(self._path, set(generation_numbers(self._path)) - {number})

    def _tidy(self) -> None:
        """Remove generations that nothing needs, and the notes of removed rows that were for them."""
        keep = {self._views.current.number, self._previous()}
        drop_generations(self._path, keep | self._views.in_use())
        self._at("swap.dropped")
        needed = []
        for number in keep & set(generation_numbers(self._path)):
            with contextlib.suppress(GalleryDamaged):  # of no use anyhow
                needed.append(read_manifest(self._path, number).last_sequence)
        if needed:
            self._writer.forget_removed(min(needed))
        self._at("swap.forgotten")

    def _previous(self) -> int:
        """Return the number of the generation in use before; 0 for none."""
        return previous_generation(self._path, self._current, self._views.current.number)
