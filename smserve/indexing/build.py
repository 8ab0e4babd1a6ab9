"""Build a gallery: decode in parallel, embed in batches, store what is done, go on after an interruption."""

import json
import os
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Final, Protocol

import numpy as np

from smserve.config import ImageLimits
from smserve.embedder import OnnxEmbedder
from smserve.errors import GalleryExists, InvalidInput
from smserve.gallery import LocalGalleryWriter, NewItem, is_finished, write_durably
from smserve.indexing.reading import PictureReader, Prepared, Stored, in_order
from smserve.indexing.report import BuildReport, Unreadable
from smserve.indexing.sources import SourceItem

__all__ = ["REPORT_FILE", "BuildProgress", "build_gallery"]

REPORT_FILE: Final = "build-report.json"

_LOCAL_LIMITS: Final = ImageLimits(max_bytes=256 * 1024 * 1024)  # no message must hold these
_STORED: Final = 256  # items of one transaction
_EMBEDDED: Final = 32  # pictures of one run of the model


class BuildProgress(Protocol):
    """Told how many pictures are done, of how many."""

    def __call__(self, done: int, total: int, /) -> None:
        """Show it."""


def build_gallery(
    *,
    model: Path,
    sources: Sequence[SourceItem],
    gallery: Path,
    workers: int | None = None,
    thumbnails: bool = True,
    progress: BuildProgress | None = None,
    image_limits: ImageLimits = _LOCAL_LIMITS,
) -> BuildReport:
    """Embed pictures and store them; an interrupted build of the same folder goes on where it was.

    A picture that can't be read is left out and reported. What an interrupted build stored and is no longer among the
    sources is deleted; what changed since (the picture, its place, label or payload) is embedded again.

    Args:
        model: The model file.
        sources: What to index; ids differ.
        gallery: The folder to write.
        workers: Threads that decode; the number of cores by default.
        thumbnails: Store a small JPEG of each picture.
        progress: Told how far it is.
        image_limits: What a picture may cost.

    Raises:
        GalleryExists: The folder holds a finished gallery, or other things.
        GalleryLocked: Another build of it is running.
        ModelMismatch: The interrupted build had another model.
        ModelDamaged: The model can't be used.
        InvalidInput: There is no source, two have the same id, or not one picture can be read.
    """
    started = time.monotonic()
    _check_unfinished(gallery)
    _check_sources(sources)
    workers = workers or os.cpu_count() or 1
    embedder = OnnxEmbedder(model, threads=workers)
    with LocalGalleryWriter(gallery, model_fingerprint=embedder.fingerprint, dimension=embedder.dimension) as writer:
        _check_unfinished(gallery)  # again: another build may have finished it before the lock was ours
        stored = writer.sources()
        reader = PictureReader(embedder.manifest.resize, image_limits, stored, thumbnails=thumbnails)
        sink = _Sink(embedder, writer)
        resumed = duplicates = 0
        seen: set[str] = set()
        unreadable: list[Unreadable] = []
        with closing(in_order(reader, sources, workers)) as outcomes:
            for done, outcome in enumerate(outcomes):
                if progress is not None:
                    progress(done, len(sources))
                if isinstance(outcome, Unreadable):
                    unreadable.append(outcome)
                    continue
                duplicates += outcome.sha256 in seen
                seen.add(outcome.sha256)
                if isinstance(outcome, Stored):
                    resumed += 1
                else:
                    sink.add(outcome)
        sink.flush()
        gone = stored.keys() - {item.item_id for item in sources} | stored.keys() & {
            each.item_id for each in unreadable
        }
        if gone:
            writer.delete(sorted(gone))
        if sink.embedded + resumed == 0:
            raise InvalidInput(
                f"none of {len(sources):,} pictures can be read; the first, {unreadable[0].path}: "
                f"{unreadable[0].reason}",
                field="images",
            )
        generation = writer.publish()
    if progress is not None:
        progress(len(sources), len(sources))
    report = BuildReport(
        gallery=str(gallery),
        generation=generation,
        items=sink.embedded + resumed,
        embedded=sink.embedded,
        resumed=resumed,
        duplicates=duplicates,
        unreadable=tuple(unreadable),
        seconds=time.monotonic() - started,
        model_fingerprint=embedder.fingerprint,
    )
    write_durably(gallery / REPORT_FILE, json.dumps(asdict(report), indent=1, ensure_ascii=False).encode())
    return report


def _check_unfinished(gallery: Path) -> None:
    if is_finished(gallery):
        raise GalleryExists(
            f"{gallery} holds a finished gallery, which is never overwritten; choose another --gallery, or remove it"
        )


def _check_sources(sources: Sequence[SourceItem]) -> None:
    if not sources:
        raise InvalidInput("there is no picture to index; give at least one", field="images")
    ids: set[str] = set()
    for item in sources:
        if item.item_id in ids:
            raise InvalidInput(f"two pictures have the id {item.item_id!r}; ids must differ", field="images")
        ids.add(item.item_id)


class _Sink:
    """Embeds pictures in batches, and stores them in larger ones.

    Attributes:
        embedded: Pictures taken in.
    """

    def __init__(self, embedder: OnnxEmbedder, writer: LocalGalleryWriter) -> None:
        self._embedder = embedder
        self._writer = writer
        self._prepared: list[Prepared] = []
        self._items: list[NewItem] = []
        self.embedded = 0

    def add(self, prepared: Prepared) -> None:
        """Take one in."""
        self.embedded += 1
        self._prepared.append(prepared)
        if len(self._prepared) == _EMBEDDED:
            self._embed()
        if len(self._items) >= _STORED:
            self._store()

    def flush(self) -> None:
        """Store what is left."""
        self._embed()
        self._store()

    def _embed(self) -> None:
        if not self._prepared:
            return
        vectors = self._embedder.embed(np.stack([each.pixels for each in self._prepared]))  # (N, D)
        self._items += [
            NewItem(
                item_id=each.item.item_id,
                vector=vector,
                label=each.item.label,
                payload=each.item.payload,
                source_uri=each.item.uri,
                source_sha256=each.sha256,
                thumbnail=each.thumbnail,
            )
            for each, vector in zip(self._prepared, vectors, strict=True)
        ]
        self._prepared = []

    def _store(self) -> None:
        if self._items:
            self._writer.upsert(self._items)
            self._items = []
