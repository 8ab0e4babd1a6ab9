"""Items of a Parquet file into a gallery: checked as a whole first, then written batch by batch.

A batch is one transaction, stored as a whole or not at all. An import that was interrupted goes on when it is run
again: what the gallery holds already, byte for byte, is not written twice.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from smserve.errors import InvalidInput, ModelMismatch
from smserve.gallery.active import active_folder
from smserve.gallery.interchange.parquet import ItemBatch, ItemFile
from smserve.gallery.records import Records
from smserve.gallery.row import Row, row_of
from smserve.gallery.tuning import chosen_index
from smserve.gallery.up_to_date import up_to_date_generation
from smserve.gallery.values import NewItem
from smserve.gallery.writer import LocalGalleryWriter

__all__ = ["ImportReport", "import_items"]

_ROWS: Final = 1024  # of a transaction
_NORM_TOLERANCE: Final = 1e-3
_COLUMNS: Final = ("item_id", "label", "payload", "source_uri", "source_sha256")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What became of a file's items.

    Attributes:
        gallery: Where to.
        item_count: Items of the file.
        added: Of them, those that the gallery did not have.
        replaced: Those that it had otherwise.
        unchanged: Those that it had so already.
        generation: The one that holds them.
    """

    gallery: str
    item_count: int
    added: int
    replaced: int
    unchanged: int
    generation: int


def import_items(
    file: ItemFile,
    gallery: Path,
    *,
    model_fingerprint: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> ImportReport:
    """Store a file's items, replacing those of the same id, and publish them; makes a gallery where there is none.

    Args:
        file: The items.
        gallery: Its folder, new or one of the same model.
        model_fingerprint: Of the model that made the vectors; needed where the file does not say so itself.
        progress: Told how many items are done.

    Raises:
        InvalidInput: The file is damaged or cut, an id is empty or there twice, a vector is not of unit norm or of
            another length, a payload is no JSON object; the row is named, and nothing was written.
        ModelMismatch: File, gallery and given model are not of one model.
        GalleryLocked: Another process writes to the gallery.
        DiskFull: There is no room; what was stored stays, run it again.
    """
    fingerprint = _fingerprint(file, model_fingerprint)
    dimension = _check(file)
    added = replaced = unchanged = 0
    with LocalGalleryWriter(gallery, model_fingerprint=fingerprint, dimension=dimension) as writer:
        folder = active_folder(gallery)
        records = Records(folder, writable=False)
        try:
            for batch in file.batches(_ROWS, dimension=dimension):
                changed = []
                for item in _items(file, batch):
                    stored = records.by_id(item.item_id)
                    if stored is not None and _is_stored(item, records, stored):
                        unchanged += 1
                        continue
                    added, replaced = added + (stored is None), replaced + (stored is not None)
                    changed.append(item)
                if changed:
                    writer.upsert(changed)
                if progress is not None:
                    progress(added + replaced + unchanged)
        finally:
            records.close()
        generation = up_to_date_generation(folder) or writer.publish(build_index=chosen_index(folder))
    return ImportReport(
        gallery=str(gallery),
        item_count=added + replaced + unchanged,
        added=added,
        replaced=replaced,
        unchanged=unchanged,
        generation=generation,
    )


def _fingerprint(file: ItemFile, given: str | None) -> str:
    """Return whose vectors the file holds."""
    if file.header is None and given is None:
        raise ModelMismatch(
            f"{file.path} does not say which model made its vectors; name it with --model: vectors of two models must "
            f"never meet"
        )
    if file.header is not None and given is not None and given != file.header.model_fingerprint:
        raise ModelMismatch(
            f"the vectors of {file.path} are of model {file.header.model_fingerprint}, the model given is {given}; "
            f"give theirs, or none"
        )
    return file.header.model_fingerprint if file.header is not None else str(given)


def _check(file: ItemFile) -> int:
    """Look at every row before the first is written; returns D."""
    dimension = file.header.dimension if file.header else None
    seen: dict[str, int] = {}  # id -> row
    count = 0
    for batch in file.batches(_ROWS, dimension=dimension):
        dimension = batch.vectors.shape[1]
        for row, item_id in enumerate(batch.texts["item_id"], batch.first_row):
            if not item_id:
                raise _wrong(file, row, "its item_id is empty; name it")
            if item_id in seen:
                raise _wrong(file, row, f"item {item_id!r} stands in row {seen[item_id]:,} too; ids must differ")
            seen[item_id] = row
        norms = np.linalg.norm(batch.vectors, axis=1)
        bad = np.flatnonzero(~(np.abs(norms - 1) <= _NORM_TOLERANCE))  # NaN and infinity fail too
        if len(bad):
            raise _wrong(
                file, batch.first_row + int(bad[0]), f"its vector has norm {norms[bad[0]]:.4g}; wanted 1, divide by it"
            )
        for item in _items(file, batch):
            row_of(item, 0, 0)
        count += len(batch.vectors)
    wanted = file.header.item_count if file.header else count
    if count != wanted:
        raise InvalidInput(
            f"{file.path} has {count:,} rows, it was written with {wanted:,}; copy it again", field="file"
        )
    if dimension is None:
        raise InvalidInput(f"{file.path} has no rows, so there is nothing to import", field="file")
    return dimension


def _items(file: ItemFile, batch: ItemBatch) -> Iterator[NewItem]:
    columns = zip(*(batch.texts[name] for name in _COLUMNS), strict=True)
    for row, (texts, vector, thumbnail) in enumerate(
        zip(columns, batch.vectors, batch.thumbnails, strict=True), batch.first_row
    ):
        item_id, label, payload, uri, sha256 = texts
        yield NewItem(
            item_id=item_id,
            vector=vector,
            label=label,
            payload=_payload(file, row, payload),
            source_uri=uri,
            source_sha256=sha256,
            thumbnail=thumbnail,
        )


def _payload(file: ItemFile, row: int, text: str) -> dict[str, Any]:
    if not text:
        return {}
    try:
        payload = json.loads(text)
    except ValueError as error:
        raise _wrong(file, row, f"its payload is no JSON ({error})") from None
    if not isinstance(payload, dict):
        raise _wrong(file, row, f"its payload is {text[:50]!r}; wanted a JSON object")
    return payload


def _is_stored(item: NewItem, records: Records, stored: Row) -> bool:
    """Whether the gallery holds the item just so; a thumbnail counts where the file has one."""
    if row_of(item, stored.key, stored.sequence) != stored:
        return False
    return item.thumbnail is None or records.thumbnail(stored) == item.thumbnail


def _wrong(file: ItemFile, row: int, what: str) -> InvalidInput:
    return InvalidInput(f"{file.path}, row {row:,}: {what}; nothing was imported", field="file")
