"""Stage another model: embed every item of a gallery again, from its source, beside the vectors in use.

`smserve gallery stage`; see `smserve.gallery.staging` for what a stage is. An item is embedded once: a stage that was
interrupted, or that the gallery was written to since, goes on with what is missing.
"""

import hashlib
import os
import stat
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import numpy as np
from numpy.typing import NDArray

from smserve.config import ImageLimits
from smserve.embedder import Embedder, InferenceSettings
from smserve.errors import InvalidImage, Overloaded, SmserveError
from smserve.gallery import NewItem
from smserve.gallery.staging import Stage
from smserve.images import ResizeRule, prepare
from smserve.indexing.limits import LOCAL_LIMITS
from smserve.indexing.reading import in_order, read_picture
from smserve.indexing.report import Unreadable
from smserve.indexing.sink import Sink
from smserve.types import FloatArray

__all__ = ["StageProgress", "StageReport", "stage_model", "stage_with"]

_PASSES: Final = 20  # over a gallery that is written to meanwhile; each but the first embeds only what came

StageProgress = Callable[[int, int], None]
"""Told how many items are embedded, of how many that are to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageReport:
    """What became of a stage.

    Attributes:
        gallery: Its folder.
        model_fingerprint: Of the new model.
        dimension: Its D.
        embedded: Items embedded by this call.
        deleted: Items that the gallery has no longer.
        refused: Items whose source is gone, changed or can't be read. With any, the model can't be activated.
    """

    gallery: str
    model_fingerprint: str
    dimension: int
    embedded: int
    deleted: int
    refused: tuple[Unreadable, ...]

    @property
    def is_level(self) -> bool:
        """Whether the model can be activated."""
        return not self.refused


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Read:
    item: NewItem
    pixels: NDArray[np.uint8]


def stage_model(
    gallery: Path,
    model: Path,
    *,
    inference: InferenceSettings | None = None,
    workers: int | None = None,
    progress: StageProgress | None = None,
) -> StageReport:
    """Bring the staged gallery of a model level with the one in use; searches and writes go on meanwhile.

    The sources of all items that are to be embedded are looked for first: where one is gone, nothing is embedded.

    Args:
        gallery: Its folder.
        model: The new model's file.
        inference: How the model is run; by default on the CPU. Its threads are as many as the workers, unless it says.
        workers: Threads that decode; the number of cores by default.
        progress: Told how far it is.

    Raises:
        GalleryNotFound: There is no gallery.
        AlreadyExists: The model is in use, or another one is staged.
        GalleryLocked: Another process stages it.
        ModelDamaged: The model can't be used.
        SmserveError: What is to run it is not to be had on this machine.
        Overloaded: The gallery is written to faster than it can be followed.
        DiskFull: There is no room; what is embedded stays.
    """
    workers = workers or os.cpu_count() or 1
    embedder = Embedder(model, (inference or InferenceSettings()).with_default_threads(workers))
    return stage_with(gallery, embedder, model, workers=workers, progress=progress)


def stage_with(
    gallery: Path,
    embedder: Embedder,
    model: Path,
    *,
    workers: int = 1,
    progress: StageProgress | None = None,
    still_wanted: Callable[[], None] = lambda: None,
) -> StageReport:
    """Do the same with a loaded model.

    Args:
        gallery: Its folder.
        embedder: The new model.
        model: Its file, for the record.
        workers: Threads that decode.
        progress: Told how far it is.
        still_wanted: Called before each item; what it raises ends the staging, and what is embedded stays.

    Raises:
        SmserveError: As `stage_model`, and what `still_wanted` raises.
    """
    embedded = deleted = 0

    def report(refused: list[Unreadable]) -> StageReport:
        return StageReport(
            gallery=str(gallery),
            model_fingerprint=embedder.fingerprint,
            dimension=embedder.dimension,
            embedded=embedded,
            deleted=deleted,
            refused=tuple(refused),
        )

    with Stage(
        gallery, model=model.absolute(), model_fingerprint=embedder.fingerprint, dimension=embedder.dimension
    ) as stage:
        for _ in range(_PASSES):
            sequence = stage.sequence()
            total, gone = _look(stage, still_wanted)
            if gone:
                return report(gone)
            sink = Sink(embedder, stage.store)
            with closing(in_order(_Reader(embedder.manifest.resize, LOCAL_LIMITS), stage.wanted(), workers)) as read:
                refused = _embed(sink, read, _told(progress, embedded, total), still_wanted)
            embedded += sink.embedded
            if refused:
                return report(refused)
            deleted += stage.delete_gone()
            if stage.finish(sequence):
                return report([])
    raise Overloaded(
        f"gallery {gallery} was written to in each of {_PASSES} passes over it; what is embedded is kept: run the same "
        f"command again when less is written",
        retry_after_s=60,
    )


def _look(stage: Stage, still_wanted: Callable[[], None]) -> tuple[int, list[Unreadable]]:
    """Return how many items are to be embedded, and those of them that have no source."""
    total, gone = 0, []
    for item in stage.wanted():
        still_wanted()
        total += 1
        path = source_path(item.source_uri)
        try:
            if path is None:
                gone.append(_refused(item, "it has no picture on this machine to be embedded from"))
            elif not stat.S_ISREG(path.stat().st_mode):
                gone.append(_refused(item, "this is no regular file"))
        except (OSError, ValueError) as error:
            gone.append(_refused(item, getattr(error, "strerror", None) or str(error)))
    return total, gone


def _told(progress: StageProgress | None, before: int, total: int) -> Callable[[int], None]:
    """Return what is told how many of this pass's `total` items are done; those of earlier passes come before."""

    def tell(done: int) -> None:
        if progress is not None:
            progress(before + done, before + max(total, done))

    return tell


def _embed(
    sink: Sink,
    outcomes: Iterable[_Read | Unreadable],
    progress: Callable[[int], None],
    still_wanted: Callable[[], None],
) -> list[Unreadable]:
    """Embed and store what the stage lacks; returns what can't be read."""
    refused = []
    done = 0
    progress(done)
    for done, outcome in enumerate(outcomes, 1):
        try:
            still_wanted()
        except SmserveError:
            sink.flush()  # what is embedded need not be embedded again
            raise
        if isinstance(outcome, Unreadable):
            refused.append(outcome)
        else:
            sink.add(outcome.pixels, _with_vector(outcome.item))
        progress(done)
    sink.flush()
    return refused


def _with_vector(item: NewItem) -> Callable[[FloatArray], NewItem]:
    return lambda vector: replace(item, vector=vector)


class _Reader:
    """Reads one picture at a time; safe to call from many threads."""

    def __init__(self, rule: ResizeRule, limits: ImageLimits) -> None:
        self._rule: Final = rule
        self._limits: Final = limits

    def __call__(self, item: NewItem) -> _Read | Unreadable:
        """Return the picture that an item was made from, ready for the model."""
        try:
            data = read_picture(source_path(item.source_uri) or Path(), self._limits)
            if item.source_sha256 and hashlib.sha256(data).hexdigest() != item.source_sha256:
                return _refused(
                    item, "the picture has changed since it was embedded: write the item again, or delete it"
                )
            return _Read(item=item, pixels=prepare(data, self._rule, self._limits))
        except InvalidImage as error:
            return _refused(item, error.message)
        except OSError as error:
            return _refused(item, error.strerror or str(error))


def source_path(uri: str) -> Path | None:
    """Return the file that a source lies in; None where it is none on this machine: nothing is ever fetched."""
    if uri.startswith("file://"):
        parts = urlsplit(uri)
        return Path(unquote(parts.path)) if parts.netloc in {"", "localhost"} else None
    return Path(uri) if Path(uri).is_absolute() else None


def _refused(item: NewItem, reason: str) -> Unreadable:
    return Unreadable(item_id=item.item_id, path=item.source_uri, reason=reason)
