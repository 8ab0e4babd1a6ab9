"""A gallery's items into a Parquet file, of one moment, while others write to the gallery."""

import itertools
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from smserve.errors import GalleryDamaged
from smserve.gallery.active import active_folder
from smserve.gallery.interchange.header import Header
from smserve.gallery.interchange.parts import PART_ROWS, ItemFileParts
from smserve.gallery.opening import open_records
from smserve.gallery.records import Records

__all__ = ["ExportReport", "export_gallery"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """What was exported.

    Attributes:
        file: Where to.
        item_count: N.
        dimension: D.
        model_fingerprint: Of the model that made the vectors.
        last_sequence: Of the last write that the file holds.
    """

    file: str
    item_count: int
    dimension: int
    model_fingerprint: str
    last_sequence: int


def export_gallery(
    gallery: Path, file: Path, *, thumbnails: bool = False, progress: Callable[[int], None] | None = None
) -> ExportReport:
    """Write all items, verified and of one moment, to a Parquet file, whole or not at all; goes on where it was.

    Args:
        gallery: Its folder.
        file: To be made; its name must be free.
        thumbnails: Export them, too.
        progress: Told how many items are done.

    Raises:
        AlreadyExists: The file is there.
        GalleryNotFound: There is no gallery.
        GalleryDamaged: A row fails its checksum.
        GalleryLocked: Another process makes the file.
        DiskFull: There is no room.
        SmserveError: pyarrow is missing, or the file can't be written.
    """
    records = open_records(active_folder(gallery), writable=False, model_fingerprint=None)
    try:
        with records.snapshot():
            return _export(records, file, thumbnails=thumbnails, progress=progress)
    finally:
        records.close()


def _export(records: Records, file: Path, *, thumbnails: bool, progress: Callable[[int], None] | None) -> ExportReport:
    meta = records.meta()
    header = Header(
        model_fingerprint=meta["model_fingerprint"],
        dimension=int(meta["dimension"]),
        metric=meta["metric"],
        item_count=records.count(),
        last_sequence=records.last_sequence(),
    )
    done = 0
    with closing(ItemFileParts(file, dimension=header.dimension, thumbnails=thumbnails)) as parts:
        rows = records.rows()
        while some := list(itertools.islice(rows, PART_ROWS)):
            parts.add(some, [records.thumbnail(row.key) for row in some] if thumbnails else [])
            done += len(some)
            if progress is not None:
                progress(done)
        if done != header.item_count:
            raise GalleryDamaged(
                f"{records.path} counts {header.item_count:,} items and lists {done:,}; nothing was exported; see what "
                f"`smserve index verify` says"
            )
        parts.finish(header)
    return ExportReport(
        file=str(file),
        item_count=done,
        dimension=header.dimension,
        model_fingerprint=header.model_fingerprint,
        last_sequence=header.last_sequence,
    )
