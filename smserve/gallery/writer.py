"""Write to a gallery in a folder: one process at a time, nothing acknowledged before it is durable."""

import fcntl
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from smserve.errors import GalleryExists, GalleryLocked, InvalidVector, ModelMismatch, SmserveError
from smserve.gallery.committed import check_committed, read_committed, write_committed
from smserve.gallery.generation import publish_generation
from smserve.gallery.interface import GalleryWriter, NewItem, Source
from smserve.gallery.records import FILE_NAME, Records

__all__ = ["LocalGalleryWriter"]

_LOCK: Final = "LOCK"
_NORM_TOLERANCE: Final = 1e-3


class LocalGalleryWriter(GalleryWriter):
    """Holds the gallery's lock from open to close; a context manager."""

    def __init__(self, path: Path, *, model_fingerprint: str, dimension: int) -> None:
        """Open a gallery for writing, or make an empty one.

        Raises:
            GalleryLocked: Another process writes to it; its pid is named.
            GalleryExists: The folder holds other things.
            ModelMismatch: Another model made it.
            GalleryDamaged: It has lost acknowledged writes, or can't be read.
            SmserveError: The folder can't be made.
        """
        self._path: Final = path
        self._dimension: Final = dimension
        self._model_fingerprint: Final = model_fingerprint
        self._closed = False
        try:
            path.mkdir(parents=True, exist_ok=True)
            names = {entry.name for entry in path.iterdir()} - {_LOCK, f".{FILE_NAME}.partial"}
            if names and FILE_NAME not in names:
                raise GalleryExists(
                    f"folder {path} is no gallery and holds other things ({min(names)}, for one); give --gallery "
                    f"an empty or new folder"
                )
            self._lock: Final = _take_lock(path)
        except OSError as error:
            raise SmserveError(f"gallery {path} can't be written: {error.strerror}; choose another folder") from None
        try:
            self._records: Final = self._open_records()
        except BaseException:
            os.close(self._lock)
            raise

    def sources(self) -> Mapping[str, Source]:
        """Return what is stored, by item_id."""
        return self._records.sources()

    def upsert(self, items: Sequence[NewItem]) -> int:
        """Store items durably, all or none; see `GalleryWriter`."""
        for item in items:
            self._check(item)
        return self._acknowledge(self._records.write(items))

    def delete(self, item_ids: Iterable[str]) -> int:
        """Delete items durably; ids that are not there are no error."""
        return self._acknowledge(self._records.write((), item_ids))

    def publish(self) -> int:
        """Make everything written so far searchable, as a new generation, and return its number."""
        return publish_generation(
            self._path,
            self._records.rows(),
            model_fingerprint=self._model_fingerprint,
            dimension=self._dimension,
            metric="cosine",
            last_sequence=self._records.last_sequence(),
        )

    def close(self) -> None:
        """Let go of files and of the lock; calling it twice is harmless."""
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
            meta = {
                "model_fingerprint": self._model_fingerprint,
                "dimension": str(self._dimension),
                "metric": "cosine",
            }
            return Records.create(self._path, meta)
        acknowledged = read_committed(self._path)
        records = Records(self._path, writable=True)
        try:
            meta = records.meta()
            made_by, dimension = meta["model_fingerprint"], meta["dimension"]
            if (made_by, dimension) != (self._model_fingerprint, str(self._dimension)):
                raise ModelMismatch(
                    f"gallery {self._path} was begun with model {made_by} (D={dimension}), the model given is "
                    f"{self._model_fingerprint} (D={self._dimension}); go on with the same model, or choose another "
                    f"folder"
                )
            check_committed(self._path, acknowledged, records.last_sequence())
        except BaseException:
            records.close()
            raise
        return records

    def _check(self, item: NewItem) -> None:
        vector = np.asarray(item.vector)
        if vector.shape != (self._dimension,):
            raise InvalidVector(
                f"item {item.item_id!r} has a vector of shape {vector.shape}, the gallery has D={self._dimension}",
                field="vector",
            )
        norm = float(np.linalg.norm(vector))
        if not abs(norm - 1) <= _NORM_TOLERANCE:  # NaN and infinity fail too
            raise InvalidVector(
                f"item {item.item_id!r} has a vector of norm {norm:.4g}, wanted 1; divide it by its norm",
                field="vector",
            )

    def _acknowledge(self, sequence: int) -> int:
        write_committed(self._path, sequence)
        return sequence


def _take_lock(path: Path) -> int:
    """Return the descriptor of the locked file, which holds our pid; the lock ends with the process."""
    descriptor = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
        os.close(descriptor)
        raise GalleryLocked(
            f"gallery {path} is being written to by process {holder}; wait for it to end, or stop it"
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor
