"""Whether what has arrived is what was sent."""

import heapq
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import numpy as np

from smserve.errors import GalleryChanged
from smserve.indexing.copying.sides import VECTORS, Side, exact_scores, vector_of
from smserve.types import Item

__all__ = ["compare", "sample_of"]

_SAMPLE: Final = 100
_NEIGHBOURS: Final = 10
_ROUNDING: Final = 1e-6  # between two ways to compute one score


def sample_of(source: Side) -> list[Item]:
    """Return up to 100 items spread over all, the same at each call, with everything."""
    ids = heapq.nsmallest(_SAMPLE, source.ids(), key=lambda item_id: (zlib.crc32(item_id.encode()), item_id))
    return list(source.whole(ids).values())


def compare(source: Side, arrived: Side, sample: Sequence[Item], seen: Callable[[int], None]) -> float:
    """Compare the number of items and a sample of them; returns the recall@10 of a search with those.

    Each hit is right that scores no less than the 10th of all vectors of the source: of equal ones any may be found.

    Args:
        source: What was sent.
        arrived: What is there now.
        sample: Of the source.
        seen: Told how many vectors of the source have been compared with the sample's.

    Raises:
        GalleryChanged: They differ: the source was written to meanwhile.
    """
    wanted, got = source.count(), arrived.count()
    if wanted != got:
        raise _changed(f"there are {got:,} items, the source has {wanted:,}")
    there = arrived.whole([item.item_id for item in sample])
    for item in sample:
        if item.item_id not in there or not _same(item, there[item.item_id]):
            raise _changed(f"item {item.item_id!r} is not what the source holds")
    if not sample:
        return 1.0
    queries = np.stack([vector_of(item) for item in sample])  # (Q, D)
    best = exact_scores(_counted(source.pages(VECTORS), seen), queries, _NEIGHBOURS)
    bounds: list[float] = best.min(axis=1).tolist()  # -inf where there are fewer
    found = arrived.scores(queries, _NEIGHBOURS)
    right = sum(score >= bound - _ROUNDING for each, bound in zip(found, bounds, strict=True) for score in each)
    return right / int(np.isfinite(best).sum())


def _same(first: Item, second: Item) -> bool:
    def told(item: Item) -> tuple[object, ...]:
        return item.label, dict(item.payload), item.source_uri, item.source_sha256, item.thumbnail

    return told(first) == told(second) and np.array_equal(vector_of(first), vector_of(second))


def _counted(pages: Iterable[Sequence[Item]], seen: Callable[[int], None]) -> Iterator[Sequence[Item]]:
    count = 0
    for items in pages:
        yield items
        count += len(items)
        seen(count)


def _changed(what: str) -> GalleryChanged:
    return GalleryChanged(f"{what}: it was written to meanwhile; remove the copy, and copy again while nobody writes")
