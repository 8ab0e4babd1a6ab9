"""Write to a gallery in a folder: one process at a time, nothing acknowledged before it is durable."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from smserve.errors import (
    GalleryDamaged,
    GalleryExists,
    GenerationMismatch,
    ModelMismatch,
    SmserveError,
)
from smserve.gallery.active import active_folder
from smserve.gallery.committed import Committed, check_committed, read_committed, write_committed
from smserve.gallery.condition import Condition
from smserve.gallery.current import Current, read_current, write_current
from smserve.gallery.durable import sync_file
from smserve.gallery.filtering.verification import RowVerification
from smserve.gallery.generation import generation_numbers
from smserve.gallery.incoming import check_item
from smserve.gallery.interface import GalleryWriter
from smserve.gallery.lock import FILE_NAME as LOCK
from smserve.gallery.lock import take_lock
from smserve.gallery.opening import open_records
from smserve.gallery.points import At, nowhere
from smserve.gallery.presence import Presence, presence_of
from smserve.gallery.publication import IndexBuilder, drop_generations, exact_index, from_rows, write_generation
from smserve.gallery.records import FILE_NAME, Records
from smserve.gallery.requests import Request, delete_request, upsert_request
from smserve.gallery.transaction import write
from smserve.gallery.values import NewItem, Source, Written
from smserve.gallery.view import Change

__all__ = ["LocalGalleryWriter"]

_METRIC: Final = "cosine"


def _nobody_watches(change: Change) -> None:
    pass


class LocalGalleryWriter(GalleryWriter):
    """Holds the gallery's lock from open to close; a context manager. Safe to call from many threads."""

    def __init__(
        self,
        path: Path,
        *,
        model_fingerprint: str,
        dimension: int,
        on_change: Callable[[Change], None] = _nobody_watches,
        at: At = nowhere,
        verification: RowVerification | None = None,
        staged: bool = False,
    ) -> None:
        """Open a gallery for writing, or make an empty one; one of an older format version is upgraded.

        Args:
            path: Its folder.
            model_fingerprint: Of the model whose vectors it holds.
            dimension: D.
            on_change: Told of each write once it is durable, before it is acknowledged.
            at: Told of points, see `smserve.gallery.points`.
            verification: Of the reader of the same gallery, so that rows are verified once for both.
            staged: Write to this very folder, whichever model is in use.

        Raises:
            GalleryLocked: Another process writes to it; its pid is named.
            GalleryExists: The folder holds other things.
            ModelMismatch: Another model made it.
            GalleryDamaged: It has lost acknowledged writes, or can't be read.
            SmserveError: The folder can't be made.
        """
        self._path: Final = path if staged else active_folder(path)
        self._dimension: Final = dimension
        self._model_fingerprint: Final = model_fingerprint
        self._on_change: Final = on_change
        self._at: Final = at
        self._verification: Final = verification
        self._writing: Final = threading.RLock()
        self._closed = False
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            names = {entry.name for entry in self._path.iterdir()} - {LOCK, f".{FILE_NAME}.partial"}
            if names and FILE_NAME not in names:
                raise GalleryExists(
                    f"folder {path} is no gallery and holds other things ({min(names)}, for one); give --gallery "
                    f"an empty or new folder"
                )
            self._lock: Final = take_lock(self._path)
        except OSError as error:
            raise SmserveError(
                f"gallery {path} can't be written: {error.strerror}; choose another folder, or serve it for reading "
                f"(--read-only)"
            ) from None
        try:
            if not staged and active_folder(path) != self._path:
                raise GenerationMismatch(f"another model of gallery {path} was activated meanwhile; open it again")
            self._records: Final = self._open_records()
        except BaseException:
            os.close(self._lock)
            raise

    def sources(self) -> Mapping[str, Source]:
        """Return what is stored, by item_id."""
        return self._records.sources()

    def presence(self, items: Sequence[NewItem]) -> list[Presence]:
        """Tell of each item whether it is stored, and whether just so; see `GalleryWriter`."""
        return [presence_of(item, self._records.by_id(item.item_id), self._records.thumbnail) for item in items]

    def upsert(self, items: Sequence[NewItem], *, request_id: str = "") -> Written:
        """Store items durably, all or none; see `GalleryWriter`."""
        for item in items:
            check_item(item, self._dimension)
        return self._write(items, (), upsert_request(request_id, items))

    def delete(self, selected: Iterable[str] | Condition, *, request_id: str = "") -> Written:
        """Delete items durably, by id or by condition; see `GalleryWriter`."""
        chosen = list(selected) if isinstance(selected, Iterable) else selected
        if not isinstance(chosen, list):
            self._records.verification.ensure(self._records.database.rows)
        return self._write((), chosen, delete_request(request_id, chosen))

    def publish(self, build_index: IndexBuilder = exact_index) -> int:
        """Make everything written so far searchable, as a new generation read from the rows; returns its number."""
        with self._writing:
            numbers = generation_numbers(self._path)
            previous = numbers[0] if numbers else 0
            with suppress(GalleryDamaged):
                current = read_current(self._path)
                previous = current.generation if current else previous
            manifest, sha256 = write_generation(
                self._path,
                from_rows(self._records.rows()),
                model_fingerprint=self._model_fingerprint,
                dimension=self._dimension,
                metric=_METRIC,
                expected_count=self._records.count(),
                last_sequence=self._records.last_sequence(),
                build_index=build_index,
                at=self._at,
            )
            switch = Current(generation=manifest.number, manifest_sha256=sha256, previous=previous)
            write_current(self._path, switch, self._at)
            self._at("swap.switched")
            drop_generations(self._path, {manifest.number, previous})
            return manifest.number

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let no write begin or end inside the block."""
        with self._writing:
            yield

    def forget_removed(self, sequence: int) -> None:
        """Forget which rows went up to a write: no generation is kept that would need it."""
        with self._writing:
            self._records.forget_removed(sequence)

    def close(self) -> None:
        """Let go of files and of the lock; calling it twice is harmless."""
        with self._writing:
            if not self._closed:
                self._closed = True
                self._records.close()
                os.close(self._lock)

    def __enter__(self) -> "LocalGalleryWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open_records(self) -> Records:
        if not (self._path / FILE_NAME).exists():
            self._committed = Committed()
            return Records.create(
                self._path,
                model_fingerprint=self._model_fingerprint,
                dimension=self._dimension,
                metric=_METRIC,
                at=self._at,
            )
        # A writer that closes a database folds its log into it and removes it: one that has lost writes stays as it is.
        open_records(self._path, writable=False, model_fingerprint=None).close()
        self._committed = read_committed(self._path)
        records = Records(self._path, writable=True, at=self._at, verification=self._verification)
        try:
            meta = records.meta()
            made_by, dimension = meta["model_fingerprint"], meta["dimension"]
            if (made_by, dimension) != (self._model_fingerprint, str(self._dimension)):
                raise ModelMismatch(
                    f"gallery {self._path} was begun with model {made_by} (D={dimension}), the model given is "
                    f"{self._model_fingerprint} (D={self._dimension}); go on with the same model, or choose another "
                    f"folder"
                )
            check_committed(self._path, self._committed, records.last_sequence(), records.contents())
            self._recover(records)
        except BaseException:
            records.close()
            raise
        return records

    def _recover(self, records: Records) -> None:
        """Acknowledge writes that a crash kept from being so: whoever repeats one is told that it was done."""
        stored = Committed(sequence=records.last_sequence(), last_key=records.last_key(), contents=records.contents())
        if (stored.sequence, stored.last_key) == (self._committed.sequence, self._committed.last_key):
            return
        if stored.last_key < self._committed.last_key:
            raise GalleryDamaged(
                f"the database of gallery {self._path} would give keys again that were given: its last is "
                f"{stored.last_key}, {self._committed.last_key} was given; restore it from a copy, or build it again"
            )
        self._at("recover.begun")
        for name in (FILE_NAME, f"{FILE_NAME}-wal"):  # the process may have ended between writing and syncing
            if (self._path / name).exists():
                sync_file(self._path / name)
        self._at("recover.synced")
        self._acknowledge(stored)

    def _write(self, items: Sequence[NewItem], deleted: Iterable[str] | Condition, request: Request | None) -> Written:
        with self._writing:
            self._records.ensure_items()
            written, change = write(
                self._records.database,
                items,
                deleted,
                dimension=self._dimension,
                least_key=self._committed.last_key,
                request=request,
                at=self._at,
            )
            last_key = self._committed.last_key
            if change is not None:
                self._on_change(change)
                self._at("write.seen")
                last_key = max(last_key, *change.keys[-1:].tolist(), 0)
            if written.sequence > self._committed.sequence:
                contents = self._records.contents()
                self._acknowledge(Committed(sequence=written.sequence, last_key=last_key, contents=contents))
            self._at("write.acknowledged")
            return written

    def _acknowledge(self, committed: Committed) -> None:
        write_committed(self._path, committed, self._at)
        self._committed = committed
