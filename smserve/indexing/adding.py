"""Add pictures to a finished gallery: embed those that are new or changed, and leave the rest alone."""

import contextlib
import os
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from smserve.config import ImageLimits
from smserve.embedder import Embedder, InferenceSettings
from smserve.gallery import CompactionPolicy, LiveGallery
from smserve.gallery.milvus import MilvusAddress, MilvusGallery
from smserve.indexing.limits import LOCAL_LIMITS
from smserve.indexing.reading import PictureReader, Stored, in_order
from smserve.indexing.report import AddReport, Unreadable
from smserve.indexing.sink import Sink
from smserve.indexing.sources import SourceItem, check_sources

__all__ = ["add_pictures"]


def add_pictures(
    *,
    model: Path,
    sources: Sequence[SourceItem],
    gallery: Path | MilvusAddress,
    inference: InferenceSettings | None = None,
    workers: int | None = None,
    thumbnails: bool = True,
    progress: Callable[[int], None] | None = None,
    image_limits: ImageLimits = LOCAL_LIMITS,
) -> AddReport:
    """Embed and store what the gallery lacks; an item whose picture, place, label and payload are stored is left alone.

    What is stored and not among the sources stays. When much was added, a new generation is made in the end.

    Args:
        model: The gallery's own model file.
        sources: What to add; ids differ.
        gallery: Its folder, or its address in Milvus.
        inference: How the model is run; by default on the CPU. Its threads are as many as the workers, unless it says.
        workers: Threads that decode; the number of cores by default.
        thumbnails: Store a small JPEG of each picture.
        progress: Told how many pictures are done.
        image_limits: What a picture may cost.

    Raises:
        GalleryNotFound: There is no gallery.
        GalleryLocked: Another process writes to it.
        ModelMismatch: It was built with another model.
        ModelDamaged: The model can't be used.
        SmserveError: What is to run it is not to be had on this machine.
        GenerationMismatch: Its build was interrupted.
        InvalidInput: There is no source, or two have the same id.
        DiskFull: There is no room; what was stored stays.
    """
    started = time.monotonic()
    check_sources(sources)
    workers = workers or os.cpu_count() or 1
    embedder = Embedder(model, (inference or InferenceSettings()).with_default_threads(workers))
    with contextlib.ExitStack() as stack:
        live: LiveGallery | MilvusGallery
        if isinstance(gallery, MilvusAddress):
            live = MilvusGallery.open(gallery, model_fingerprint=embedder.fingerprint)
        else:
            live = LiveGallery.open(gallery, model_fingerprint=embedder.fingerprint, compaction=None)
        stack.callback(live.close)
        reader = PictureReader(embedder.manifest.resize, image_limits, live.sources(), thumbnails=thumbnails)
        sink = Sink(embedder, live.upsert)
        unchanged = 0
        unreadable: list[Unreadable] = []
        with closing(in_order(reader, sources, workers)) as outcomes:
            for done, outcome in enumerate(outcomes):
                if progress is not None:
                    progress(done)
                if isinstance(outcome, Unreadable):
                    unreadable.append(outcome)
                elif isinstance(outcome, Stored):
                    unchanged += 1
                else:
                    sink.add(outcome.pixels, outcome.new_item)
        sink.flush()
        if isinstance(live, LiveGallery):
            live.compact_if(CompactionPolicy())
        info = live.info()
    if progress is not None:
        progress(len(sources))
    return AddReport(
        gallery=str(gallery),
        generation=info.generation,
        items=info.item_count,
        added=sink.embedded,
        unchanged=unchanged,
        unreadable=tuple(unreadable),
        seconds=time.monotonic() - started,
        model_fingerprint=embedder.fingerprint,
    )
