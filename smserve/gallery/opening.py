"""Which generation of a gallery is sound, and the first view on it."""

import logging
from pathlib import Path
from typing import Final

from smserve.errors import GalleryDamaged, GenerationMismatch, ModelMismatch
from smserve.gallery.committed import check_committed, read_committed
from smserve.gallery.current import Current, read_current
from smserve.gallery.following import caught_up
from smserve.gallery.generation import Generation, generation_numbers, is_finished
from smserve.gallery.points import At, nowhere
from smserve.gallery.records import Records
from smserve.gallery.view import View

__all__ = ["check_count", "first_view", "open_records", "sound_generation"]

_log: Final = logging.getLogger(__name__)


def open_records(path: Path, *, writable: bool, model_fingerprint: str | None, at: At = nowhere) -> Records:
    """Open a gallery's records, and check that they are the wanted model's and hold all that was acknowledged.

    Raises:
        GalleryNotFound: There are none.
        ModelMismatch: Another model made them.
        GalleryDamaged: Acknowledged writes are lost, or they can't be read.
    """
    committed = read_committed(path)  # before the records, which a writer may be moving on
    records = Records(path, writable=writable, at=at)
    try:
        made_by = records.meta()["model_fingerprint"]
        if model_fingerprint is not None and made_by != model_fingerprint:
            raise ModelMismatch(
                f"gallery {path} was built with model {made_by}, the model given is {model_fingerprint}; use the "
                f"gallery's own model, or give the gallery this one: `smserve gallery stage`"
            )
        with records.snapshot():
            check_committed(path, committed, records.last_sequence(), records.contents())
    except BaseException:
        records.close()
        raise
    return records


def first_view(path: Path, records: Records) -> tuple[View, Current | None]:
    """Return what is to be searched, the newest sound generation and everything written since, and what CURRENT says.

    Raises:
        GenerationMismatch: Nothing was ever published.
        GalleryDamaged: What can be found is less than what the records hold, or a row fails its checksum.
    """
    dimension = int(records.meta()["dimension"])
    while True:
        generation, current = _soundest(path, records)
        if generation is None and current is not None and _swapped(path, current):
            continue  # a writer removed what was about to be opened
        view = caught_up(View.of(generation, dimension), records, dimension)
        check_count(path, view, records)
        return view, current


def check_count(path: Path, view: View, records: Records) -> None:
    """Check that what can be found is what the records hold, unless they moved on.

    Raises:
        GalleryDamaged: It is not.
    """
    with records.snapshot():
        count, sequence, contents = records.count(), records.last_sequence(), records.contents()
    if contents is not None and contents.item_count != count:
        raise GalleryDamaged(
            f"gallery {path} has {count:,} items, {contents.item_count:,} were written; restore it from a copy, or see "
            f"what is left with `smserve index verify`"
        )
    if view.count != count and view.sequence == sequence:
        raise GalleryDamaged(
            f"gallery {path} has {count:,} items, {view.count:,} of them can be found; restore it from a copy, or "
            f"build it again"
        )


def sound_generation(path: Path, records: Records, number: int, manifest_sha256: str | None = None) -> Generation:
    """Open a generation, and check that it was made from these records, not from others nor from what they lost.

    Raises:
        GalleryDamaged: It is damaged, or was not.
    """
    generation = Generation.open(path, number, manifest_sha256=manifest_sha256)
    meta, manifest = records.meta(), generation.manifest
    theirs = (manifest.model_fingerprint, str(manifest.dimension), manifest.metric)
    if theirs != (meta["model_fingerprint"], meta["dimension"], meta["metric"]):
        raise GalleryDamaged(f"its vectors are of model {theirs[0]} (D={theirs[1]}), not of the gallery's")
    if manifest.last_sequence > records.last_sequence():
        raise GalleryDamaged(f"it holds writes up to {manifest.last_sequence}, the records end before")
    return generation


def _soundest(path: Path, records: Records) -> tuple[Generation | None, Current | None]:
    """Return the generation that CURRENT names, or, where that is damaged, the newest one that is sound."""
    current = _current(path)
    numbers = generation_numbers(path)
    if not is_finished(path):
        raise GenerationMismatch(
            f"gallery {path} has no finished generation: {records.count():,} items are written; run the same "
            f"`smserve index build` again to finish it"
        )
    sha256 = None
    if current is not None:
        named = current.generation  # then the older ones; a newer one only where it was gone back from
        numbers = [named, *sorted({*numbers} - {named}, key=lambda number: (number > named, -number))]
        sha256 = current.manifest_sha256
    for number in numbers:
        try:
            return sound_generation(path, records, number, sha256), current
        except GalleryDamaged as error:
            if current is not None and _swapped(path, current):
                return None, current
            _log.error("generation %d of gallery %s is damaged and not used: %s", number, path, error)
        sha256 = None  # CURRENT vouches for one manifest alone
    _log.error("gallery %s has no sound generation; it is searched from its records", path)
    return None, current


def _current(path: Path) -> Current | None:
    try:
        return read_current(path)
    except GalleryDamaged as error:
        _log.error("%s; looking for the newest sound generation", error)
        return None


def _swapped(path: Path, current: Current) -> bool:
    """Whether a writer has switched to another generation meanwhile."""
    try:
        return read_current(path) != current
    except GalleryDamaged:
        return False
