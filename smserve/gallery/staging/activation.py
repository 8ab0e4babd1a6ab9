"""From one model to another in one step, and back; and away with what is not wanted any more."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from smserve.errors import GenerationMismatch, SmserveError
from smserve.gallery.active import Active, active_folder, read_active, write_active
from smserve.gallery.durable import sync_directory
from smserve.gallery.level import Level
from smserve.gallery.lock import take_lock
from smserve.gallery.opening import first_view, open_records
from smserve.gallery.points import At, nowhere
from smserve.gallery.staging.document import FILE_NAME as STAGED
from smserve.gallery.staging.document import Staged, not_in_use, read_staged
from smserve.gallery.staging.removal import remove_all_but, remove_model

__all__ = [
    "ACTIVATION_POINTS",
    "activate",
    "activate_open",
    "activate_previous",
    "activate_previous_open",
    "discard",
    "discard_previous",
]

ACTIVATION_POINTS: Final = (
    "activation.verified",
    "ACTIVE.written",  # under a hidden name, synced
    "ACTIVE.named",  # the folder is not synced yet
    "activation.switched",
    "activation.noted",  # the model is no longer noted as staged
    "activation.tidied",  # the model before the one before is gone
)
"""Where a crash is tested, as `smserve.gallery.points.FAILURE_POINTS`."""


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
        _check_followed(gallery, active, staged, in_use := _sound(gallery / active.folder))
        return _activate(gallery, active, staged, in_use, _sound(gallery / staged.folder), at)


def activate_open(gallery: Path, *, in_use: Level, staged: Level, at: At = nowhere) -> Active:
    """Do the same in the process that holds the locks of both: it has them open for writing, and lets no write begin.

    Args:
        gallery: Its folder.
        in_use: How far the gallery in use is.
        staged: How far the stage is, as it was opened.
        at: Told of `ACTIVATION_POINTS`.

    Raises:
        GenerationMismatch: As `activate`.
        SmserveError: ACTIVE can't be written; unless `read_active` says otherwise, the model in use stays.
    """
    active = read_active(gallery)
    wanted = _wanted(gallery, active)
    _check_followed(gallery, active, wanted, in_use)
    return _activate(gallery, active, wanted, in_use, staged, at)


def activate_previous(gallery: Path) -> Active:
    """Go back to the model that was in use before, while nothing was written since.

    Raises:
        GenerationMismatch: None is kept, or it lacks writes.
        GalleryLocked: A process writes to the gallery; its pid is named.
        GalleryDamaged: It can't be searched; the model in use stays.
    """
    active = read_active(gallery)
    _check_previous(gallery, active)
    with _locked(gallery / active.folder), _locked(gallery / active.previous):
        return _go_back(gallery, active, _sound(gallery / active.folder), lambda: _sound(gallery / active.previous))


def activate_previous_open(gallery: Path, *, in_use: Level, previous: Level) -> Active:
    """Do the same in the process that holds the locks of both; see `activate_open`.

    Raises:
        GenerationMismatch: As `activate_previous`.
        SmserveError: ACTIVE can't be written.
    """
    active = read_active(gallery)
    _check_previous(gallery, active)
    return _go_back(gallery, active, in_use, lambda: previous)


def _check_followed(gallery: Path, active: Active, staged: Staged, in_use: Level) -> None:
    if not staged.is_level or staged.source_folder != active.folder or in_use.sequence != staged.source_sequence:
        raise GenerationMismatch(
            f"the staged model of gallery {gallery} holds the writes up to {max(staged.source_sequence, 0)}, the last "
            f"one is {in_use.sequence}; run the same `smserve gallery stage` again: only what is missing is embedded"
        )


def _activate(gallery: Path, active: Active, staged: Staged, in_use: Level, own: Level, at: At) -> Active:
    if own.sequence != staged.sequence or own.item_count != in_use.item_count:
        raise GenerationMismatch(
            f"the staged model of gallery {gallery} was changed since it was level: it has {own.item_count:,} items up "
            f"to write {own.sequence}, the gallery {in_use.item_count:,}; run the same `smserve gallery stage` again"
        )
    switched = Active(folder=staged.folder, previous=active.folder, sequence=own.sequence)
    at("activation.verified")
    write_active(gallery, switched, at)
    at("activation.switched")
    (gallery / STAGED).unlink()
    sync_directory(gallery)
    at("activation.noted")
    remove_all_but(gallery, {switched.folder, switched.previous})
    at("activation.tidied")
    return switched


def _check_previous(gallery: Path, active: Active) -> None:
    staged = not_in_use(read_staged(gallery), active)
    if not active.previous or (staged is not None and staged.folder == active.previous):
        raise GenerationMismatch(
            f"gallery {gallery} keeps no model from before; stage that one: `smserve gallery stage --model FILE`"
        )


def _go_back(gallery: Path, active: Active, in_use: Level, previous: Callable[[], Level]) -> Active:
    if in_use.sequence != active.sequence:
        raise GenerationMismatch(
            f"gallery {gallery} was written to since its model was changed ({active.sequence} then, {in_use.sequence} "
            f"now), and the model before lacks that; stage it with `smserve gallery stage`: only that is embedded"
        )
    before = previous()
    if not_in_use(read_staged(gallery), active) is None:  # one that is in use may be noted still
        (gallery / STAGED).unlink(missing_ok=True)
        sync_directory(gallery)
    switched = Active(folder=active.previous, previous=active.folder, sequence=before.sequence)
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
        remove_model(gallery, staged.folder)
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
        remove_model(gallery, active.previous)


def _wanted(gallery: Path, active: Active) -> Staged:
    active_folder(gallery)
    staged = not_in_use(read_staged(gallery), active)
    if staged is None:
        raise GenerationMismatch(
            f"gallery {gallery} has no model staged; begin with `smserve gallery stage --model FILE`"
        )
    return staged


def _sound(folder: Path) -> Level:
    """Open a gallery as a server would; returns how far it is.

    Raises:
        GalleryDamaged: It can't be served.
    """
    records = open_records(folder, writable=False, model_fingerprint=None)
    try:
        view, _ = first_view(folder, records)
        return Level(view.sequence, view.count)
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
