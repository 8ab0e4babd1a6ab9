"""Which generations a gallery in a folder keeps."""

import contextlib
from pathlib import Path

from smserve.errors import GalleryDamaged
from smserve.gallery.current import Current
from smserve.gallery.generation import generation_numbers, read_manifest
from smserve.gallery.values import GenerationInfo

__all__ = ["describe_generation", "kept_generations", "previous_generation"]


def kept_generations(folder: Path, current: Current | None, in_use: int) -> list[GenerationInfo]:
    """Return the generations whose manifest is sound, newest first.

    Args:
        folder: The gallery's.
        current: What CURRENT says.
        in_use: The one that is searched.
    """
    found = []
    for number in generation_numbers(folder):
        with contextlib.suppress(GalleryDamaged):
            found.append(describe_generation(folder, number, current, in_use))
    return found


def describe_generation(folder: Path, number: int, current: Current | None, in_use: int) -> GenerationInfo:
    """Return what a generation says about itself; see `kept_generations`.

    Raises:
        GalleryDamaged: Its manifest can't be read.
    """
    manifest = read_manifest(folder, number)
    return GenerationInfo(
        number=number,
        item_count=manifest.item_count,
        last_sequence=manifest.last_sequence,
        index=manifest.index,
        recall=manifest.recall,
        current=number == in_use,
        previous=number == previous_generation(folder, current, in_use),
    )


def previous_generation(folder: Path, current: Current | None, in_use: int) -> int:
    """Return the number of the generation in use before; 0 for none."""
    if current is not None and current.previous:
        return current.previous
    older = [number for number in generation_numbers(folder) if number < in_use]
    return older[0] if older else 0
