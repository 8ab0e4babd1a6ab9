"""What runs on the cluster: reading, on the machine that has the files, then decoding and embedding, by the workers.

Ray Data hands a batch over as columns of equal length, and takes one so.
"""

import hashlib
import os
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from smserve.config import ImageLimits
from smserve.embedder import Embedder, InferenceSettings
from smserve.errors import SmserveError
from smserve.indexing.reading import UNREADABLE, Decoder, Pixels, in_order, read_picture, reason_of
from smserve.types import FloatArray
from smserve.version import VERSION

__all__ = ["Batch", "PictureWorker", "WorkerSettings", "read_files"]

Batch = Mapping[str, NDArray[Any]]

_READERS: Final = 8  # threads: on a network, files are slow to open


class _ReadFile(NamedTuple):
    sha256: str = ""
    is_stored: bool = False
    reason: str = ""
    data: bytes = b""


class _Done(NamedTuple):
    sha256: str = ""
    is_stored: bool = False
    reason: str = ""
    vector: bytes = b""
    thumbnail: bytes = b""
    refusal: str = ""


def read_files(batch: Batch, *, limits: ImageLimits) -> Batch:
    """Read pictures' files.

    Args:
        batch: `position` among the sources, `path` as the file system has it (bytes), and `stored_sha256`, that of what
            the gallery has under the same id, place, label and payload (empty for nothing).
        limits: What a picture may cost.

    Returns:
        `position`, `sha256`, `is_stored` (then it has no data), `reason` (why it can't be read, or empty), `data`.
    """
    files = zip(batch["path"], batch["stored_sha256"], strict=True)
    return _batch(batch, list(in_order(partial(_read, limits), files, _READERS)))


def _read(limits: ImageLimits, file: tuple[bytes, str]) -> _ReadFile:
    path, stored_sha256 = file
    try:
        data = read_picture(Path(os.fsdecode(path)), limits)
    except UNREADABLE as error:
        return _ReadFile(reason=reason_of(error))
    sha256 = hashlib.sha256(data).hexdigest()
    if sha256 == stored_sha256:
        return _ReadFile(sha256=sha256, is_stored=True)
    return _ReadFile(sha256=sha256, data=data)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """What a worker does.

    Attributes:
        model: Where the command has the model file, for messages.
        inference: How the model is run.
        limits: What a picture may cost.
        thumbnails: Make a small JPEG of each.
        version: Of smserve; the worker's own must be the same.
    """

    model: Path
    inference: InferenceSettings
    limits: ImageLimits
    thumbnails: bool
    version: str = VERSION


class PictureWorker:
    """Decodes and embeds; loads the model, and has it check itself, once.

    A worker that can't work answers every batch with the reason, so that the command hears it in our words.
    """

    def __init__(self, fetch_model: Callable[[], bytes], settings: WorkerSettings) -> None:
        """Load the model.

        Args:
            fetch_model: Returns what is in its file.
            settings: What to do.
        """
        self._refusal = ""
        self._threads: Final = settings.inference.threads_a_call
        try:
            if settings.version != VERSION:
                raise SmserveError(
                    f"it has smserve {VERSION}, the command {settings.version}; install the same on both"
                )
            self._embedder = Embedder(settings.model, settings.inference, model=fetch_model())
            rule = self._embedder.manifest.resize
            self._decode = Decoder(rule, settings.limits, thumbnails=settings.thumbnails)
        except SmserveError as error:
            self._refusal = f"a worker on {platform.node()} can't embed: {error.message}"

    def __call__(self, batch: Batch) -> Batch:
        """Embed what `read_files` returned.

        Returns:
            `position`, `sha256`, `is_stored`, `reason`, and for a picture that was read `vector` (the bytes of (D,)
            float32) and `thumbnail` (empty for none); `refusal` when this worker can do nothing.
        """
        if self._refusal:
            return _batch(batch, [_Done(refusal=self._refusal) for _ in batch["position"]])
        files = [_ReadFile(*row) for row in zip(*(batch[name] for name in _ReadFile._fields), strict=True)]
        decoded = list(in_order(self._decoded, files, self._threads))
        pixels = [each.pixels for each in decoded if isinstance(each, Pixels)]
        vectors = iter(self._embedder.embed(np.stack(pixels)) if pixels else ())
        return _batch(batch, [_done(file, each, vectors) for file, each in zip(files, decoded, strict=True)])

    def _decoded(self, file: _ReadFile) -> Pixels | str:
        """Return what a file shows, or else why it shows nothing; empty when it was not to be looked at."""
        if file.is_stored or file.reason:
            return file.reason
        try:
            return self._decode(file.data)
        except UNREADABLE as error:
            return reason_of(error)


def _done(file: _ReadFile, decoded: Pixels | str, vectors: Iterator[FloatArray]) -> _Done:
    if isinstance(decoded, str):
        return _Done(sha256=file.sha256, is_stored=bool(file.is_stored), reason=decoded)
    return _Done(sha256=file.sha256, vector=next(vectors).tobytes(), thumbnail=decoded.thumbnail or b"")


def _batch(like: Batch, rows: Sequence[tuple[Any, ...]]) -> Batch:
    """Return rows, of one kind, as columns beside the positions of another batch."""
    names = type(rows[0])._fields  # type: ignore[attr-defined] # they are named tuples
    return {"position": like["position"], **{name: _column(rows, number) for number, name in enumerate(names)}}


def _column(rows: Sequence[tuple[Any, ...]], number: int) -> NDArray[np.object_]:
    column = np.empty(len(rows), object)  # of strings or bytes of their own length; NumPy's own cut zeros off
    column[:] = [row[number] for row in rows]
    return column
