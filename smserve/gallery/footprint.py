"""What a gallery takes of memory once it is open, told from its manifest and the sizes of its files."""

from dataclasses import dataclass
from pathlib import Path

from smserve.gallery.active import active_folder
from smserve.gallery.compaction import CompactionPolicy
from smserve.gallery.current import read_current
from smserve.gallery.generation import INDEX, VECTORS, generation_folder, read_manifest
from smserve.gallery.row_cache import ROWS_BYTES
from smserve.gallery.selections import KEPT

__all__ = ["Footprint", "footprint"]

_KEY_BYTES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """Bytes.

    Attributes:
        model_fingerprint: Of the model in use.
        searched: Files that searches touch, mapped: the system takes these pages back where memory is short.
        mapped: Files that are mapped and less often touched, likewise.
        held: Of the process's own, from the opening on.
        growing: What comes to that by and by: rows that were found, match sets of filters, rows written since the last
            compaction.
        next: What making the next generation takes, beside this one, for a moment.
    """

    model_fingerprint: str
    searched: int
    mapped: int
    held: int
    growing: int
    next: int


def footprint(gallery: Path) -> Footprint:
    """Return what a gallery will take; nothing is loaded.

    Raises:
        GalleryDamaged: What it is told from is damaged.
        OSError: A file is not there, or nothing was published.
    """
    folder = active_folder(gallery)
    current = read_current(folder)
    if current is None:
        raise FileNotFoundError(f"{folder} has no generation in use")
    manifest = read_manifest(folder, current.generation, current.manifest_sha256)
    files = generation_folder(folder, current.generation)
    index, vectors = ((files / name).stat().st_size for name in (INDEX, VECTORS))
    policy = CompactionPolicy()
    fresh = round(max(policy.least, policy.share * manifest.item_count))
    return Footprint(
        model_fingerprint=manifest.model_fingerprint,
        searched=index,
        mapped=vectors,
        held=_KEY_BYTES * manifest.item_count,
        growing=ROWS_BYTES
        + KEPT * manifest.item_count // 8
        + 2 * fresh * (_KEY_BYTES + 4 * manifest.dimension),  # the room doubles
        next=index + 2 * _KEY_BYTES * manifest.item_count,
    )
