"""Keep a second gallery, of another model, level with the one in use, while that is searched and written to."""

import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from smserve.errors import AlreadyExists, GalleryDamaged
from smserve.gallery.active import FILE_NAME as ACTIVE
from smserve.gallery.active import FOLDER, Active, active_folder, read_active, write_active
from smserve.gallery.database import Database
from smserve.gallery.durable import write_durably
from smserve.gallery.filtering.fields import declare_fields, declared_fields
from smserve.gallery.lock import alone
from smserve.gallery.opening import open_records
from smserve.gallery.records import FILE_NAME, Records
from smserve.gallery.row import Row
from smserve.gallery.staging.document import Staged, not_in_use, read_staged, write_staged
from smserve.gallery.tuning import chosen_index
from smserve.gallery.tuning.choice_file import FILE_NAME as CHOICE
from smserve.gallery.up_to_date import up_to_date_generation
from smserve.gallery.values import NewItem
from smserve.gallery.writer import LocalGalleryWriter

__all__ = ["Stage"]

_PAGE: Final = 256  # rows read at a time: a long read would keep the writer's log from being folded in
_DELETED: Final = 1024  # ids of a transaction
_DIGITS: Final = 16  # of a fingerprint that name a folder


class Stage:
    """Holds the stage's lock from open to close, not that of the gallery in use; a context manager, for one thread."""

    def __init__(self, gallery: Path, *, model: Path, model_fingerprint: str, dimension: int) -> None:
        """Begin to stage a model, or go on with it.

        Args:
            gallery: Its folder.
            model: The new model's file, for the record.
            model_fingerprint: sha256 of it.
            dimension: Its D.

        Raises:
            GalleryNotFound: There is no gallery.
            AlreadyExists: The model is in use already, or another one is staged.
            GalleryLocked: Another process stages it now.
            GalleryDamaged: The gallery, or the stage, can't be read.
        """
        active = read_active(gallery)
        self._gallery: Final = gallery
        self._source: Final = open_records(active_folder(gallery), writable=False, model_fingerprint=None)
        try:
            self._staged = _staged(gallery, active, self._source, str(model), model_fingerprint)
            with alone(gallery):  # two may begin at once, and only one of them gets the lock below
                if not (gallery / ACTIVE).exists():
                    write_active(gallery, active)  # before there is a second model, see `read_active`
            self._folder: Final = gallery / self._staged.folder
            self._writer: Final = LocalGalleryWriter(
                self._folder, model_fingerprint=model_fingerprint, dimension=dimension, staged=True
            )
        except BaseException:
            self._source.close()
            raise
        try:
            write_staged(gallery, self._staged)
            if active.previous == self._staged.folder:  # from here on it is a stage; going back to it would lose writes
                write_active(gallery, replace(active, previous=""))
            self._records: Final = Records(self._folder, writable=False)
        except BaseException:
            self._writer.close()
            self._source.close()
            raise

    def sequence(self) -> int:
        """Return the number of the last write to the gallery in use."""
        return self._source.last_sequence()

    def wanted(self) -> Iterator[NewItem]:
        """Yield the items of the gallery in use that the stage lacks or has otherwise, each with its old vector.

        Items written meanwhile are seen, too; read with many short transactions.
        """
        stored = {row.item_id: _digest(row) for row in self._records.rows()}
        for row in _pages(self._source):
            if stored.get(row.item_id) != _digest(row):
                yield NewItem(
                    item_id=row.item_id,
                    vector=row.embedding(),
                    label=row.label,
                    payload=row.payload_object(),
                    source_uri=row.source_uri,
                    source_sha256=row.source_sha256,
                    thumbnail=self._source.thumbnail(row.key),
                )

    def store(self, items: Sequence[NewItem]) -> None:
        """Store items with their new vectors, durably."""
        self._writer.upsert(items)

    def delete_gone(self) -> int:
        """Delete what the gallery in use has no longer; returns how many items that was."""
        there = {row.item_id for row in _pages(self._source)}
        gone = [row.item_id for row in self._records.rows() if row.item_id not in there]
        for start in range(0, len(gone), _DELETED):
            self._writer.delete(gone[start : start + _DELETED])
        return len(gone)

    def finish(self, sequence: int) -> bool:
        """Publish the stage as level with the gallery in use, unless that was written to since.

        Args:
            sequence: Of the gallery in use, before `wanted` and `delete_gone` looked at it for the last time.

        Returns:
            Whether it is level; else both are to be run again.

        Raises:
            GalleryDamaged: The stage holds another number of items.
            DiskFull: There is no room.
        """
        if self.sequence() != sequence:
            return False
        counts = (self._source.count(), self._records.count())
        if self.sequence() == sequence and counts[0] != counts[1]:
            raise GalleryDamaged(
                f"the gallery in use has {counts[0]:,} items, the staged one {counts[1]:,}; discard it and stage again"
            )
        self._take_over_settings()
        if not up_to_date_generation(self._folder):
            self._writer.publish(build_index=chosen_index(self._folder))
        self._staged = replace(self._staged, source_sequence=sequence, sequence=self._records.last_sequence())
        write_staged(self._gallery, self._staged)
        return True

    def close(self) -> None:
        """Let go of files and of the lock; twice is harmless."""
        self._records.close()
        self._writer.close()
        self._source.close()

    def __enter__(self) -> "Stage":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _take_over_settings(self) -> None:
        """Let the stage have the filterable fields, and the choice of an index, that the gallery in use has."""
        fields = declared_fields(self._source.database.rows)
        if fields != declared_fields(self._records.database.rows):
            database = Database(self._folder / FILE_NAME, writable=True)
            try:
                with database.transaction() as execute:
                    declare_fields(execute, fields)
            finally:
                database.close()
        choice = self._source.path.with_name(CHOICE)
        if not (self._folder / CHOICE).exists():
            with contextlib.suppress(FileNotFoundError):  # its recall is measured again on the new vectors
                write_durably(self._folder / CHOICE, choice.read_bytes())


def _staged(gallery: Path, active: Active, source: Records, model: str, fingerprint: str) -> Staged:
    """Return what is staged from now on."""
    in_use = source.meta()["model_fingerprint"]
    if in_use == fingerprint:
        raise AlreadyExists(
            f"gallery {gallery} is searched with model {fingerprint} already; there is nothing to stage"
        )
    staged = not_in_use(read_staged(gallery), active)
    if staged is not None and staged.model_fingerprint != fingerprint:
        raise AlreadyExists(
            f"gallery {gallery} has model {staged.model_fingerprint} ({staged.model}) staged, the model given is "
            f"{fingerprint}; activate or discard that one first"
        )
    if staged is not None:
        return replace(staged, model=model, source_folder=active.folder)
    folder = f"{FOLDER}/{fingerprint[:_DIGITS]}"
    if active.previous and _fingerprint(gallery / active.previous) == fingerprint:
        folder = active.previous  # most of it is embedded
    return Staged(folder=folder, model_fingerprint=fingerprint, model=model, source_folder=active.folder)


def _fingerprint(folder: Path) -> str:
    records = Records(folder, writable=False)
    try:
        return records.meta()["model_fingerprint"]
    finally:
        records.close()


def _pages(records: Records) -> Iterator[Row]:
    key = 0
    while rows := records.rows_after_key(key, _PAGE):
        yield from rows
        key = rows[-1].key


def _digest(row: Row) -> bytes:
    """Return a digest of all that a new vector, and what is stored beside it, depend on."""
    total = hashlib.blake2b(digest_size=16)
    for text in (row.label, row.payload, row.source_uri, row.source_sha256):
        data = text.encode()
        total.update(b"%d:" % len(data) + data)
    return total.digest()
