"""Items of a Parquet file into a gallery: checked as a whole first, then written batch by batch.

A batch is one transaction, stored as a whole or not at all. An import that was interrupted goes on when it is run
again: what the gallery holds already, byte for byte, is not written twice.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from smserve.gallery.active import active_folder
from smserve.gallery.interchange.items import check_items, items_of, model_of
from smserve.gallery.interchange.parquet import ItemFile
from smserve.gallery.presence import Presence
from smserve.gallery.tuning import chosen_index
from smserve.gallery.up_to_date import up_to_date_generation
from smserve.gallery.writer import LocalGalleryWriter

__all__ = ["ImportReport", "import_items"]

_ROWS: Final = 1024  # of a transaction


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
    fingerprint = model_of(file, model_fingerprint)
    dimension = check_items(file)
    found = Counter[Presence]()
    with LocalGalleryWriter(gallery, model_fingerprint=fingerprint, dimension=dimension) as writer:
        folder = active_folder(gallery)
        for batch in file.batches(_ROWS, dimension=dimension):
            items = list(items_of(file, batch))
            presence = writer.presence(items)
            changed = [item for item, each in zip(items, presence, strict=True) if each is not Presence.SAME]
            if changed:
                writer.upsert(changed)
            found.update(presence)
            if progress is not None:
                progress(found.total())
        generation = up_to_date_generation(folder) or writer.publish(build_index=chosen_index(folder))
    return ImportReport(
        gallery=str(gallery),
        item_count=found.total(),
        added=found[Presence.ABSENT],
        replaced=found[Presence.DIFFERENT],
        unchanged=found[Presence.SAME],
        generation=generation,
    )
