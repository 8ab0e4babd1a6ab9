"""From one model to another in one step, and back; and away with what is not wanted any more."""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from smserve.errors import GenerationMismatch, SmserveError
from smserve.gallery.active import FILE_NAME as ACTIVE
from smserve.gallery.active import FOLDER, OWN, Active, active_folder, read_active, write_active
from smserve.gallery.committed import FILE_NAME as COMMITTED
from smserve.gallery.current import FILE_NAME as CURRENT
from smserve.gallery.durable import sync_directory
from smserve.gallery.generation import FOLDER as GENERATIONS
from smserve.gallery.lock import take_lock
from smserve.gallery.opening import first_view, open_records
from smserve.gallery.points import At, nowhere
from smserve.gallery.records import FILE_NAME as DATABASE
from smserve.gallery.staging.document import FILE_NAME as STAGED
from smserve.gallery.staging.document import Staged, not_in_use, read_staged
from smserve.gallery.tuning.choice_file import FILE_NAME as CHOICE

__all__ = ["ACTIVATION_POINTS", "activate", "activate_previous", "discard", "discard_previous"]

ACTIVATION_POINTS: Final = (
    "activation.verified",
    "ACTIVE.written",  # under a hidden name, synced
    "ACTIVE.named",  # the folder is not synced yet
    "activation.switched",
    "activation.noted",  # the model is no longer noted as staged
    "activation.tidied",  # the model before the one before is gone
)
"""Where a crash is tested, as `smserve.gallery.points.FAILURE_POINTS`."""

_OF_FIRST: Final = (CURRENT, GENERATIONS, DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", COMMITTED, CHOICE)
"""What the first model has in the gallery's own folder."""


def activate(gallery: Path, at: At = nowhere) -> Active:
    """Let the gallery be searched with the staged model, from the next time on that it is opened.

    Args:
        gallery: Its folder.
        at: Told of `ACTIVATION_POINTS`.

    Raises:
        GenerationMismatch: No model is staged, or the stage lacks writes; the way out is named.
        GalleryLocked: A process writes to the gallery or to the stage; its pid is named.
        GalleryDamaged: The stage can't be searched; the model in use stays.
        SmserveError: ACTIVE can't be written; the model in use stays.
    """
    active = read_active(gallery)
    staged = _wanted(gallery, active)
    with _locked(gallery / active.folder), _locked(gallery / staged.folder):
        if read_active(gallery) != active or _wanted(gallery, active) != staged:
            raise GenerationMismatch(f"the models of gallery {gallery} were changed meanwhile; look, and ask again")
        now, count = _sound(gallery / active.folder)
        if not staged.is_level or staged.source_folder != active.folder or now != staged.source_sequence:
            raise GenerationMismatch(
                f"the staged model of gallery {gallery} holds the writes up to {max(staged.source_sequence, 0)}, the "
                f"last one is {now}; run the same `smserve gallery stage` again: only what is missing is embedded"
            )
        own, staged_count = _sound(gallery / staged.folder)
        if own != staged.sequence or staged_count != count:
            raise GenerationMismatch(
                f"the staged model of gallery {gallery} was changed since it was level: it has {staged_count:,} items "
                f"up to write {own}, the gallery {count:,}; run the same `smserve gallery stage` again"
            )
        switched = Active(folder=staged.folder, previous=active.folder, sequence=own)
        at("activation.verified")
        write_active(gallery, switched, at)
        at("activation.switched")
        (gallery / STAGED).unlink()
        sync_directory(gallery)
        at("activation.noted")
        _tidy(gallery, {switched.folder, switched.previous})
        at("activation.tidied")
    return switched


def activate_previous(gallery: Path) -> Active:
    """Go back to the model that was in use before, while nothing was written since.

    Raises:
        GenerationMismatch: None is kept, or it lacks writes.
        GalleryLocked: A process writes to the gallery; its pid is named.
        GalleryDamaged: It can't be searched; the model in use stays.
    """
    active = read_active(gallery)
    staged = not_in_use(read_staged(gallery), active)
    if not active.previous or (staged is not None and staged.folder == active.previous):
        raise GenerationMismatch(
            f"gallery {gallery} keeps no model from before; stage that one: `smserve gallery stage --model FILE`"
        )
    with _locked(gallery / active.folder), _locked(gallery / active.previous):
        now, _ = _sound(gallery / active.folder)
        if now != active.sequence:
            raise GenerationMismatch(
                f"gallery {gallery} was written to since its model was changed ({active.sequence} then, {now} now), "
                f"and the model before lacks that; stage it with `smserve gallery stage`: only that is embedded"
            )
        before, _ = _sound(gallery / active.previous)
        if staged is None:  # one that is in use may be noted still
            (gallery / STAGED).unlink(missing_ok=True)
            sync_directory(gallery)
        switched = Active(folder=active.previous, previous=active.folder, sequence=before)
        write_active(gallery, switched)
    return switched


def discard(gallery: Path) -> Staged:
    """Remove what is staged; returns what it was.

    Raises:
        GenerationMismatch: Nothing is staged.
        GalleryLocked: It is being staged; the pid is named.
    """
    staged = _wanted(gallery, read_active(gallery))
    with _locked(gallery / staged.folder):
        (gallery / STAGED).unlink()
        sync_directory(gallery)
        _remove(gallery, staged.folder)
    return staged


def discard_previous(gallery: Path) -> None:
    """Remove the model that was in use before. A server that still searches with it must have been restarted.

    Raises:
        GenerationMismatch: None is kept.
        GalleryLocked: A process still writes to it; its pid is named.
    """
    active = read_active(gallery)
    if not active.previous:
        raise GenerationMismatch(f"gallery {gallery} keeps no model from before; there is nothing to discard")
    with _locked(gallery / active.previous):
        write_active(gallery, replace(active, previous=""))
        _remove(gallery, active.previous)


def _wanted(gallery: Path, active: Active) -> Staged:
    active_folder(gallery)
    staged = not_in_use(read_staged(gallery), active)
    if staged is None:
        raise GenerationMismatch(
            f"gallery {gallery} has no model staged; begin with `smserve gallery stage --model FILE`"
        )
    return staged


def _sound(folder: Path) -> tuple[int, int]:
    """Open a gallery as a server would; returns the number of its last write, and how many items are found.

    Raises:
        GalleryDamaged: It can't be served.
    """
    records = open_records(folder, writable=False, model_fingerprint=None)
    try:
        view, _ = first_view(folder, records)
        return view.sequence, view.count
    finally:
        records.close()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    try:
        lock = take_lock(folder)
    except OSError as error:
        raise SmserveError(f"{folder} can't be locked: {error.strerror}; check its rights") from None
    with ExitStack() as last:
        last.callback(os.close, lock)
        yield


def _tidy(gallery: Path, keep: set[str]) -> None:
    """Remove all models but some: the one before the one before, and what a crash left."""
    for folder in (gallery / FOLDER).iterdir():
        if f"{FOLDER}/{folder.name}" not in keep:
            _remove(gallery, f"{FOLDER}/{folder.name}")
    if OWN not in keep:
        _remove(gallery, OWN)


def _remove(gallery: Path, folder: str) -> None:
    """Remove a model's files; those of the first one lie beside what is the gallery's."""
    path = gallery / folder
    if path != gallery:
        shutil.rmtree(path, ignore_errors=True)
        return
    assert (gallery / ACTIVE).exists(), "another model is in use"  # noqa: S101
    for name in _OF_FIRST:
        if (gallery / name).is_dir():
            shutil.rmtree(gallery / name, ignore_errors=True)
        else:
            (gallery / name).unlink(missing_ok=True)
