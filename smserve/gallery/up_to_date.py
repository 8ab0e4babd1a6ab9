"""Whether the generation in use holds every write, so that there is nothing to publish."""

from pathlib import Path

from smserve.errors import GalleryDamaged
from smserve.gallery.committed import read_committed
from smserve.gallery.current import read_current
from smserve.gallery.generation import read_manifest

__all__ = ["up_to_date_generation"]


def up_to_date_generation(folder: Path) -> int:
    """Return the number of the generation in use where it holds every acknowledged write, else 0."""
    try:
        current = read_current(folder)
        manifest = read_manifest(folder, current.generation, current.manifest_sha256) if current else None
    except GalleryDamaged:
        return 0
    if manifest is None or manifest.last_sequence != read_committed(folder).sequence:
        return 0
    return manifest.number
