"""A gallery's items into a Parquet file, while others write to the gallery."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from smserve.errors import AlreadyExists, GalleryDamaged
from smserve.gallery.active import active_folder
from smserve.gallery.durable import sync_directory, sync_file, write_failed
from smserve.gallery.interchange.header import Header
from smserve.gallery.interchange.parquet import ItemFileWriter
from smserve.gallery.opening import open_records
from smserve.gallery.records import Records

__all__ = ["ExportReport", "export_gallery"]

_ROWS: Final = 4096  # of a row group: all that is in memory at a time


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
    """Write all items, verified and of one moment, to a Parquet file, whole or not at all.

    Args:
        gallery: Its folder.
        file: To be made; its name must be free.
        thumbnails: Export them, too.
        progress: Told how many items are done.

    Raises:
        AlreadyExists: The file is there.
        GalleryNotFound: There is no gallery.
        GalleryDamaged: A row fails its checksum.
        DiskFull: There is no room.
        SmserveError: pyarrow is missing, or the file can't be written.
    """
    if file.exists():
        raise AlreadyExists(f"{file} is there already; remove it, or choose another name")
    partial = file.with_name(f".{file.name}.partial")
    records = open_records(active_folder(gallery), writable=False, model_fingerprint=None)
    try:
        with records.snapshot():
            report = _write(records, partial, str(file), thumbnails=thumbnails, progress=progress)
        sync_file(partial)
        partial.replace(file)
        sync_directory(file.parent)
    except OSError as error:
        raise write_failed(str(file), error) from None
    finally:
        partial.unlink(missing_ok=True)
        records.close()
    return report


def _write(
    records: Records, partial: Path, file: str, *, thumbnails: bool, progress: Callable[[int], None] | None
) -> ExportReport:
    meta = records.meta()
    header = Header(
        model_fingerprint=meta["model_fingerprint"],
        dimension=int(meta["dimension"]),
        metric=meta["metric"],
        item_count=records.count(),
        last_sequence=records.last_sequence(),
    )
    done = 0
    writer = ItemFileWriter(partial, header, thumbnails=thumbnails)
    try:
        rows = records.rows()
        while some := list(itertools.islice(rows, _ROWS)):
            writer.write(some, [records.thumbnail(row) for row in some] if thumbnails else [])
            done += len(some)
            if progress is not None:
                progress(done)
    finally:
        writer.close()
    if done != header.item_count:
        raise GalleryDamaged(
            f"{records.path} counts {header.item_count:,} items and lists {done:,}; nothing was exported; see what "
            f"`smserve index verify` says"
        )
    return ExportReport(
        file=file,
        item_count=done,
        dimension=header.dimension,
        model_fingerprint=header.model_fingerprint,
        last_sequence=header.last_sequence,
    )
