"""Fold what was written since into the next generation, beside the running one."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from smserve.errors import GalleryDamaged
from smserve.gallery.generation import Generation
from smserve.gallery.opening import sound_generation
from smserve.gallery.points import At
from smserve.gallery.publication import Chunk, IndexBuilder, from_rows, from_view, write_generation
from smserve.gallery.records import Records
from smserve.gallery.view import View

__all__ = ["CompactionPolicy", "build_next"]

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactionPolicy:
    """When a compaction starts by itself: once rows not yet in the generation, and rows masked in it, are many.

    Attributes:
        share: Of the items that can be found.
        least: Rows; fewer are never worth it, a search compares with all of them in well under a millisecond.
    """

    share: float = 0.1
    least: int = 10_000

    def wants(self, view: View) -> bool:
        """Whether it is time."""
        return view.pending >= max(self.least, self.share * view.count)


def build_next(
    gallery: Path, view: View, records: Records, *, build_index: IndexBuilder, check_wanted: At, at: At
) -> tuple[Generation, str]:
    """Write the generation that holds what a view finds, and open it; nothing is switched.

    Vectors come from the generation in use and from memory, not from the records: that is an order of magnitude faster
    and leaves the database to others. Where the generation's file has changed since it was verified, they are read from
    the records.

    Args:
        gallery: The gallery's folder.
        view: What to hold; the caller keeps it pinned.
        records: Of the gallery.
        build_index: Makes the index.
        check_wanted: Called often; what it raises ends the work.
        at: Told of points.

    Returns:
        The generation and the sha256 of its manifest.

    Raises:
        DiskFull: There is no room for it.
        GalleryDamaged: A row fails its checksum, or what was written can't be read back.
    """
    meta = records.meta()

    def written(chunks: Iterable[Chunk], count: int, sequence: int) -> tuple[Generation, str]:
        manifest, sha256 = write_generation(
            gallery,
            _watched(chunks, check_wanted),
            model_fingerprint=meta["model_fingerprint"],
            dimension=int(meta["dimension"]),
            metric=meta["metric"],
            expected_count=count,
            last_sequence=sequence,
            build_index=build_index,
            at=at,
        )
        check_wanted("")
        if manifest.item_count != count:
            raise GalleryDamaged(f"generation {manifest.number} holds {manifest.item_count:,} of {count:,} items")
        return sound_generation(gallery, records, manifest.number, sha256), sha256

    try:
        return written(from_view(view), view.count, view.sequence)
    except GalleryDamaged as error:
        _log.error("%s; the next generation of %s is made from its rows", error, gallery)
    with records.snapshot():
        return written(from_rows(records.rows()), records.count(), records.last_sequence())


def _watched(chunks: Iterable[Chunk], check_wanted: At) -> Iterator[Chunk]:
    for chunk in chunks:
        check_wanted("")
        yield chunk
