"""Do what can be done about a damaged gallery, and say what can't; what is replaced is kept beside it.

Nothing that was written is given up unless the caller accepts that, and even then its bytes stay, damaged as they are.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from smserve.errors import GalleryDamaged, GalleryNotFound
from smserve.gallery.active import active_folder
from smserve.gallery.aside import Aside
from smserve.gallery.committed import FILE_NAME as COMMITTED
from smserve.gallery.committed import Committed, write_committed
from smserve.gallery.current import FILE_NAME as CURRENT
from smserve.gallery.current import Current, read_current, write_current
from smserve.gallery.durable import sync_directory, write_failed
from smserve.gallery.findings import Verification
from smserve.gallery.generation import FOLDER, generation_folder, generation_numbers, is_finished, manifest_sha256
from smserve.gallery.lock import take_lock
from smserve.gallery.records import FILE_NAME as DATABASE
from smserve.gallery.records import Records
from smserve.gallery.repair_records import Mended, mend_records
from smserve.gallery.tuning.choice_file import FILE_NAME as CHOICE
from smserve.gallery.tuning.choice_file import read_choice
from smserve.gallery.tuning.chosen import chosen_index
from smserve.gallery.verify import verify_gallery
from smserve.gallery.verify_model import verify_model
from smserve.gallery.writer import LocalGalleryWriter

__all__ = ["Repair", "repair_gallery"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """What was done.

    Attributes:
        done: In sentences; empty where nothing had to be.
        lost: What was given up, or would have to be.
        aside: The folder that keeps what was replaced; None where nothing was.
        after: What is wrong now.
    """

    done: tuple[str, ...]
    lost: tuple[str, ...]
    aside: Path | None
    after: Verification


def repair_gallery(gallery: Path, *, accept_loss: bool = False) -> Repair:
    """Repair the model in use of a gallery that nobody writes to; others are looked at, and can be staged anew.

    Args:
        gallery: Its folder.
        accept_loss: Go on without what can't be read any more; otherwise the gallery stays refused.

    Raises:
        GalleryNotFound: There is none.
        GalleryLocked: A process, a server for example, writes to it; its pid is named.
        DiskFull: There is no room to keep what is replaced.
        SmserveError: It can't be read or written, for want of permission for example.
    """
    path = active_folder(gallery)
    if not (path / DATABASE).exists():
        raise GalleryNotFound(f"{path} is no gallery (it has no {DATABASE}); check the path")
    aside, done, lost = Aside(path), list[str](), list[str]()
    try:
        with _locked(path):
            before = verify_model(path)
            if before.is_sound:
                return Repair(done=(), lost=(), aside=None, after=verify_gallery(gallery))
            _mend_choice(path, aside, done)
            mended = _mend_database(path, before, aside, done, lost, accept_loss=accept_loss)
            sound = [] if mended is Mended.REBUILT else list(before.generations)
            if mended is not Mended.NOT and is_finished(path):
                wanted = _mend_generations(path, sound, aside, done)
            else:
                wanted = False
        if wanted:
            done.append(f"generation {_publish(path)} made from the rows")
            with _locked(path):
                _drop(path, sound, done)
    except OSError as error:
        raise write_failed(f"what is kept of gallery {path}", error) from None
    return Repair(done=tuple(done), lost=tuple(lost), aside=aside.path, after=verify_gallery(gallery))


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    lock = take_lock(path)
    try:
        yield
    finally:
        os.close(lock)


def _mend_choice(path: Path, aside: Aside, done: list[str]) -> None:
    try:
        read_choice(path)
    except GalleryDamaged:
        aside.keep(CHOICE)
        (path / CHOICE).unlink()
        done.append(f"{CHOICE} put aside: the next generation is searched exactly, until `smserve index tune`")


def _mend_database(
    path: Path, before: Verification, aside: Aside, done: list[str], lost: list[str], *, accept_loss: bool
) -> Mended:
    places = [finding.place for finding in before.findings]
    if any(place.startswith(DATABASE) for place in places):
        return mend_records(path, aside, done, lost, accept_loss=accept_loss)
    if COMMITTED in places:
        records = Records(path, writable=False)
        try:
            committed = Committed(
                sequence=records.last_sequence(), last_key=records.last_key(), contents=records.contents()
            )
        finally:
            records.close()
        aside.keep(COMMITTED)
        write_committed(path, committed)
        done.append(
            f"{COMMITTED} written again: the rows agree with each other, and end at write {committed.sequence}; "
            f"whether a later one was acknowledged is not known any more"
        )
    return Mended.SOUND


def _mend_generations(path: Path, sound: Sequence[int], aside: Aside, done: list[str]) -> bool:
    """Keep what is damaged aside, and let CURRENT name a sound generation; returns whether a new one must be made."""
    for number in set(generation_numbers(path)) - set(sound):
        aside.keep(f"{FOLDER}/{number:06d}")
    current = None
    with suppress(GalleryDamaged):
        current = read_current(path)
    if current is None or current.generation not in sound:
        aside.keep(CURRENT)
    if not sound or (current is not None and current.generation not in sound):
        return True
    if current is None:
        newest, *older = sound
        sha256 = manifest_sha256(path, newest)
        write_current(path, Current(generation=newest, manifest_sha256=sha256, previous=older[0] if older else 0))
        done.append(f"{CURRENT} names generation {newest}, the newest sound one")
    _drop(path, sound, done)
    return False


def _drop(path: Path, sound: Sequence[int], done: list[str]) -> None:
    """Remove generations that are not sound, but for the one that was made by now; they are kept aside."""
    made = read_current(path)
    for number in set(generation_numbers(path)) - {*sound, made.generation if made else 0}:
        shutil.rmtree(generation_folder(path, number))
        sync_directory(path / FOLDER)
        done.append(f"generation {number} put aside: nothing can go back to it")


def _publish(path: Path) -> int:
    records = Records(path, writable=False)
    try:
        meta = records.meta()
    finally:
        records.close()
    with LocalGalleryWriter(
        path, model_fingerprint=meta["model_fingerprint"], dimension=int(meta["dimension"])
    ) as writer:
        return writer.publish(chosen_index(path))
