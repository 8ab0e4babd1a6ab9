"""Copy all items from one place to another, and look at what has arrived."""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from smserve.errors import GalleryChanged
from smserve.gallery import NewItem
from smserve.indexing.copying.arrival import compare, sample_of
from smserve.indexing.copying.place import Place
from smserve.indexing.copying.sides import Side, open_side, vector_of
from smserve.indexing.copying.targets import Target, check_free, open_target
from smserve.types import Item

__all__ = ["CopyProgress", "CopyReport", "copy_gallery"]

CopyProgress = Callable[[str, int, int], None]
"""Told what is done now ("copying", "comparing"), how many items that has seen, and of how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyReport:
    """What was copied, and how well.

    Attributes:
        source: Where from.
        destination: Where to.
        item_count: N.
        copied: Items that this call wrote; the others were there from an interrupted copy.
        generation: The destination's; 0 for a file.
        compared: Items of which everything was compared.
        recall: Share of the 10 true neighbours of those that a search of the destination finds.
        seconds: From begin to end.
        model_fingerprint: Of the model that made the vectors.
    """

    source: str
    destination: str
    item_count: int
    copied: int
    generation: int
    compared: int
    recall: float
    seconds: float
    model_fingerprint: str


def copy_gallery(
    source: Place, destination: Place, *, model_fingerprint: str | None = None, progress: CopyProgress | None = None
) -> CopyReport:
    """Copy all items and make them findable; an interrupted copy goes on where it was.

    Args:
        source: A finished gallery, or a Parquet file; nobody may write to it meanwhile.
        destination: Where there is no finished gallery, or no file, yet.
        model_fingerprint: Of the model that made the vectors; needed where a file does not name it itself.
        progress: Told how far it is.

    Raises:
        GalleryNotFound: There is no source.
        InvalidInput: The source is a file that is damaged or cut, or has a row that is no item.
        GalleryExists: The destination holds a finished gallery, or other things.
        AlreadyExists: The destination is a file that is there.
        ModelMismatch: The source is of another model than is given, or than what was begun at the destination.
        GalleryLocked: Another process writes to the destination.
        GalleryDamaged: A row of the source fails its checksum.
        GalleryChanged: What has arrived is not what the source holds: it was written to meanwhile.
        DiskFull: There is no room; what was stored stays.
        SmserveError: An extra is not installed.
    """
    started = time.monotonic()
    tell = progress or _silent
    check_free(destination)
    with closing(open_side(source, model_fingerprint)) as side:
        count = side.count()
        with closing(open_target(destination, side)) as target:
            copied, generation = _copy(side, target, lambda done: tell("copying", done, count))
        with closing(open_side(destination)) as arrived:
            sample = sample_of(side)
            try:
                recall = compare(side, arrived, sample, lambda seen: tell("comparing", seen, count))
            except GalleryChanged as error:
                raise GalleryChanged(f"{destination}: {error.message}") from None
        return CopyReport(
            source=str(source),
            destination=str(destination),
            item_count=count,
            copied=copied,
            generation=generation,
            compared=len(sample),
            recall=recall,
            seconds=time.monotonic() - started,
            model_fingerprint=side.model_fingerprint,
        )


def _copy(source: Side, target: Target, done: Callable[[int], None]) -> tuple[int, int]:
    """Write what the target lacks; returns how many items that were, and its generation."""
    seen = copied = 0
    for items in source.pages():
        copied += target.take([_new(item) for item in items])
        seen += len(items)
        done(seen)
    rest, generation = target.finish()
    return copied + rest, generation


def _new(item: Item) -> NewItem:
    return NewItem(
        item_id=item.item_id,
        vector=vector_of(item),
        label=item.label,
        payload=item.payload,
        source_uri=item.source_uri,
        source_sha256=item.source_sha256,
        thumbnail=item.thumbnail,
    )


def _silent(what: str, done: int, of: int) -> None:
    pass
