"""Build a gallery: decode in parallel, embed in batches, store what is done, go on after an interruption."""

import contextlib
import json
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Final, Protocol

from smserve.config import ImageLimits
from smserve.embedder import InferenceSettings
from smserve.errors import InvalidInput
from smserve.gallery import write_durably
from smserve.gallery.duplicates import near_duplicates as find_near_duplicates
from smserve.gallery.duplicates import write_near_duplicates
from smserve.gallery.milvus import MilvusAddress
from smserve.gallery.publication import IndexBuilder, exact_index
from smserve.indexing.destination import destination_of
from smserve.indexing.feed import feed_of
from smserve.indexing.limits import LOCAL_LIMITS
from smserve.indexing.reading import Embedded, Stored
from smserve.indexing.report import BuildReport, Unreadable
from smserve.indexing.sink import Sink
from smserve.indexing.sources import SourceItem, check_sources

__all__ = ["REPORT_FILE", "BuildProgress", "build_gallery"]

REPORT_FILE: Final = "build-report.json"


class BuildProgress(Protocol):
    """Told how many pictures are done, of how many."""

    def __call__(self, done: int, total: int, /) -> None:
        """Show it."""


def build_gallery(
    *,
    model: Path,
    sources: Sequence[SourceItem],
    gallery: Path | MilvusAddress,
    inference: InferenceSettings | None = None,
    workers: int | None = None,
    thumbnails: bool = True,
    progress: BuildProgress | None = None,
    image_limits: ImageLimits = LOCAL_LIMITS,
    build_index: IndexBuilder = exact_index,
    near_duplicates: float | None = None,
    near_duplicates_file: Path | None = None,
    ray: str | None = None,
) -> BuildReport:
    """Embed pictures and store them; an interrupted build of the same folder goes on where it was.

    A picture that can't be read is left out and reported. What an interrupted build stored and is no longer among the
    sources is deleted; what changed since (the picture, its place, label or payload) is embedded again.

    Args:
        model: The model file.
        sources: What to index; ids differ.
        gallery: The folder to write, or the collection of Milvus.
        inference: How the model is run; by default on the CPU. Its threads are as many as the workers, unless it says;
            one in each worker on a cluster.
        workers: Threads that decode; the number of cores by default. On a cluster, processes; as many as fit.
        thumbnails: Store a small JPEG of each picture.
        progress: Told how far it is.
        image_limits: What a picture may cost.
        build_index: Makes the index that a gallery in a folder is searched with.
        near_duplicates: When given, and the gallery lies in a folder, pairs of items with a cosine of at least this are
            counted in the end.
        near_duplicates_file: When given, they are written to it, as CSV.
        ray: When given, the address of a Ray cluster whose workers decode and embed; see `smserve.indexing.cluster`.

    Raises:
        GalleryExists: The folder holds a finished gallery, or other things.
        GalleryLocked: Another build of it is running.
        ModelMismatch: The interrupted build had another model.
        ModelDamaged: The model can't be used.
        SmserveError: What is to run it is not to be had on this machine.
        InvalidInput: There is no source, two have the same id, or not one picture can be read; or this is no address
            of a Ray cluster.
        Unavailable: The Ray cluster can't be joined.
    """
    started = time.monotonic()
    if near_duplicates_file is not None and not near_duplicates_file.absolute().parent.is_dir():
        raise InvalidInput(
            f"{near_duplicates_file} can't be written: there is no such folder; make it", field="near_duplicates_file"
        )
    destination = destination_of(gallery, build_index)
    destination.check_unfinished()
    check_sources(sources)
    with contextlib.ExitStack() as stack:
        feed = feed_of(model, inference or InferenceSettings(), workers, image_limits, thumbnails=thumbnails, ray=ray)
        stack.callback(feed.close)
        embedder = feed.embedder
        writer = destination.open(model_fingerprint=embedder.fingerprint, dimension=embedder.dimension)
        stack.callback(writer.close)
        stored = writer.sources()
        sink = Sink(embedder, writer.upsert)
        resumed = duplicates = 0
        seen: set[str] = set()
        unreadable: list[Unreadable] = []
        with closing(feed.outcomes(sources, stored)) as outcomes:
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
                elif isinstance(outcome, Embedded):
                    sink.put(outcome.item)
                else:
                    sink.add(outcome.pixels, outcome.new_item)
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
        feed.close()  # its workers have no part in what is left
        generation = destination.publish()
    if progress is not None:
        progress(len(sources), len(sources))
    folder = gallery if isinstance(gallery, Path) else None
    pairs = None if near_duplicates is None or folder is None else find_near_duplicates(folder, near_duplicates)
    if pairs is not None and near_duplicates_file is not None:
        write_near_duplicates(pairs, near_duplicates_file)
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
        near_duplicates=None if pairs is None else pairs.counts,
    )
    if folder is not None:
        write_durably(folder / REPORT_FILE, json.dumps(asdict(report), indent=1, ensure_ascii=False).encode())
    return report
