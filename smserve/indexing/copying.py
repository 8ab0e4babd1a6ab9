"""Copy a gallery from where it lies to another place: a folder or Milvus, either way; and look at what has arrived."""

import heapq
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from smserve.errors import GalleryChanged
from smserve.gallery import GalleryReader, GalleryWriter, LocalGallery, NewItem, Source
from smserve.gallery.milvus import MilvusAddress, MilvusReader
from smserve.gallery.tuning import chosen_index
from smserve.indexing.destination import destination_of
from smserve.types import FieldMask, FloatArray, Item

__all__ = ["CopyReport", "copy_gallery"]

_EVERYTHING: Final = FieldMask(payload=True, vector=True, thumbnail=True)
_VECTORS: Final = FieldMask(payload=False, vector=True)
_PAGE: Final = 256
_SAMPLE: Final = 100
_NEIGHBOURS: Final = 10
_ROUNDING: Final = 1e-6  # between two ways to compute one score


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyReport:
    """What was copied, and how well.

    Attributes:
        source: Where from.
        destination: Where to.
        item_count: N.
        copied: Items that this call wrote; the others were there from an interrupted copy.
        generation: The destination's.
        compared: Items of which everything was compared.
        recall: Share of the 10 true neighbours of those that a search of the destination finds.
        seconds: From begin to end.
        model_fingerprint: Of the model that made the vectors.
    """

    source: str
    destination: str
    item_count: int
    copied: int
    generation: int
    compared: int
    recall: float
    seconds: float
    model_fingerprint: str


def copy_gallery(
    source: Path | MilvusAddress,
    destination: Path | MilvusAddress,
    *,
    progress: Callable[[int], None] | None = None,
) -> CopyReport:
    """Copy all items and publish them; an interrupted copy goes on where it was.

    Args:
        source: A finished gallery; nobody may write to it meanwhile.
        destination: Where there is no finished gallery yet.
        progress: Told how many items are done.

    Raises:
        GalleryNotFound: There is no source.
        GalleryExists: The destination holds a finished gallery, or other things.
        ModelMismatch: An interrupted copy there is of another model.
        GalleryDamaged: A row of the source fails its checksum.
        GalleryChanged: What has arrived is not what the source holds: it was written to meanwhile.
        DiskFull: There is no room; what was stored stays.
    """
    started = time.monotonic()
    folder = destination if isinstance(destination, Path) else Path()
    target = destination_of(destination, chosen_index(folder))
    target.check_unfinished()
    with closing(_reader(source)) as reader:
        info = reader.info()
        opened = target.open(model_fingerprint=info.model_fingerprint, dimension=info.dimension)
        with closing(opened) as writer:
            copied = _copy(reader, writer, progress)
            generation = target.publish()
        with closing(_reader(destination)) as arrived:
            sample = _sample(reader)
            _compare(reader, arrived, sample, f"{destination}")
            recall = _recall(reader, arrived, sample)
    return CopyReport(
        source=str(source),
        destination=str(destination),
        item_count=info.item_count,
        copied=copied,
        generation=generation,
        compared=len(sample),
        recall=recall,
        seconds=time.monotonic() - started,
        model_fingerprint=info.model_fingerprint,
    )


def _reader(place: Path | MilvusAddress) -> GalleryReader:
    return MilvusReader.open(place) if isinstance(place, MilvusAddress) else LocalGallery.open(place)


def _copy(reader: GalleryReader, writer: GalleryWriter, progress: Callable[[int], None] | None) -> int:
    """Write what the destination lacks, and delete what it has too much; returns how many were written."""
    stored, seen, copied = writer.sources(), set[str](), 0
    for items in _pages(reader, _EVERYTHING):
        lacking = [_new(item) for item in items if stored.get(item.item_id) != _source(item)]
        if lacking:
            writer.upsert(lacking)
        copied += len(lacking)
        seen.update(item.item_id for item in items)
        if progress is not None:
            progress(len(seen))
    gone = stored.keys() - seen
    if gone:
        writer.delete(sorted(gone))
    return copied


def _pages(reader: GalleryReader, fields: FieldMask) -> Iterator[Sequence[Item]]:
    token = ""
    while True:
        page = reader.page(_PAGE, token, fields)
        if page.items:
            yield page.items
        token = page.next_token
        if not token:
            return


def _new(item: Item) -> NewItem:
    return NewItem(
        item_id=item.item_id,
        vector=_vector(item),
        label=item.label,
        payload=item.payload,
        source_uri=item.source_uri,
        source_sha256=item.source_sha256,
        thumbnail=item.thumbnail,
    )


def _source(item: Item) -> Source:
    return Source(uri=item.source_uri, sha256=item.source_sha256, label=item.label, payload=dict(item.payload))


def _vector(item: Item) -> FloatArray:
    assert item.vector is not None  # noqa: S101 - it was asked for
    return item.vector


def _sample(reader: GalleryReader) -> list[str]:
    """Return ids spread over all, the same at each call."""
    ids = (item.item_id for items in _pages(reader, FieldMask(payload=False)) for item in items)
    return heapq.nsmallest(_SAMPLE, ids, key=lambda item_id: (zlib.crc32(item_id.encode()), item_id))


def _compare(reader: GalleryReader, arrived: GalleryReader, sample: Sequence[str], destination: str) -> None:
    wanted, got = reader.count().total, arrived.count().total
    if wanted != got:
        raise GalleryChanged(
            f"{destination} has {got:,} items, the source {wanted:,}: it was written to meanwhile; remove "
            f"{destination} and copy again, while nobody writes"
        )
    for item_id in sample:
        first, second = reader.get(item_id, _EVERYTHING), arrived.get(item_id, _EVERYTHING)
        same = _source(first) == _source(second) and first.thumbnail == second.thumbnail
        if not same or not np.array_equal(_vector(first), _vector(second)):
            raise GalleryChanged(
                f"item {item_id!r} of {destination} is not what the source holds: it was written to meanwhile; remove "
                f"{destination} and copy again, while nobody writes"
            )


def _recall(reader: GalleryReader, arrived: GalleryReader, sample: Sequence[str]) -> float:
    """Compare hits with the scores of all vectors of the source; of items that score alike each one is right."""
    if not sample:
        return 1.0
    queries = np.stack([_vector(reader.get(item_id, _VECTORS)) for item_id in sample])  # (Q, D)
    best = np.full((len(queries), _NEIGHBOURS), -np.inf, np.float32)
    for items in _pages(reader, _VECTORS):
        scores = queries @ np.stack([_vector(item) for item in items]).T  # (Q, N)
        best = -np.partition(-np.hstack([best, scores]), _NEIGHBOURS - 1, axis=1)[:, :_NEIGHBOURS]
    least: list[float] = best.min(axis=1).tolist()
    hits = arrived.search(queries, _NEIGHBOURS, FieldMask(payload=False)).hits
    right = sum(hit.score >= bound - _ROUNDING for each, bound in zip(hits, least, strict=True) for hit in each)
    return right / int(np.isfinite(best).sum())
