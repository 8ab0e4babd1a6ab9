"""Some live searches are repeated exactly, aside; what the figure says is what brute force says."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from smserve.errors import InvalidInput
from smserve.filters import parse_filter
from smserve.gallery import LiveGallery, LocalGallery, LocalGalleryWriter, NewItem
from smserve.gallery.filtering import FilterCondition
from smserve.gallery.index import IndexChoice, VectorIndex
from smserve.gallery.live_recall import CheckedSearch, LiveRecall
from smserve.gallery.publication import BuiltIndex
from smserve.gallery.view import View
from smserve.types import FieldMask, FloatArray, GalleryInfo
from tests.gallery.brute_force import unit_vectors

COUNT, DIMENSION, MODEL, TOP_K = 400, 8, "a" * 64, 10
DEADLINE_S = 20


def narrow(vectors: FloatArray) -> BuiltIndex:
    """One list of 20: scattered vectors' neighbours lie in others, too."""
    choice = IndexChoice(index="IVF20,Flat", nprobe=1)
    return BuiltIndex(index=VectorIndex.build(vectors, choice), recall={})


def items(start: int, count: int) -> list[NewItem]:
    return [
        NewItem(item_id=f"{number}", vector=vector, label="even" if number % 2 == 0 else "odd")
        for number, vector in enumerate(unit_vectors(count, DIMENSION, seed=start), start)
    ]


@pytest.fixture
def path(in_memory: Path) -> Path:
    with LocalGalleryWriter(in_memory / "gallery", model_fingerprint=MODEL, dimension=DIMENSION) as writer:
        writer.upsert(items(0, COUNT))
        writer.publish(narrow)
    return in_memory / "gallery"


def after(info: Callable[[], GalleryInfo], searches: int) -> GalleryInfo:
    """Wait until as many were compared."""
    began = time.monotonic()
    while (found := info()).live_recall_searches < searches:
        assert time.monotonic() - began < DEADLINE_S, found
        time.sleep(0.001)
    return found


@pytest.mark.parametrize("text", [None, 'label = "even"'])
def test_the_figure_is_that_of_brute_force(path: Path, text: str | None) -> None:
    condition = FilterCondition(parse_filter(text)) if text else None
    with LiveGallery.open(path, check_every=1, compaction=None, build_index=narrow) as gallery:
        gallery.delete(["3", "5", "8"])
        gallery.upsert(items(COUNT, 20))
        stored = {item.item_id: item for item in items(0, COUNT) + items(COUNT, 20)}
        for gone in ("3", "5", "8"):
            del stored[gone]
        allowed = [item for item in stored.values() if text is None or item.label == "even"]
        shares = []
        for number, query in enumerate(unit_vectors(15, DIMENSION, seed=7), 1):
            found = gallery.search(query[None], TOP_K, FieldMask(), condition).hits[0]
            truth = sorted(allowed, key=lambda item: -float(query @ item.vector))[:TOP_K]
            shares.append(len({hit.item_id for hit in found} & {item.item_id for item in truth}) / TOP_K)
            info = after(gallery.info, number)
        assert info.live_recall == pytest.approx(np.mean(shares))
        assert text is not None or np.mean(shares) < 0.9, "the index was made to miss some"


def test_exact_search_finds_all(path: Path) -> None:
    with LocalGalleryWriter(path, model_fingerprint=MODEL, dimension=DIMENSION) as writer:
        writer.upsert([NewItem(item_id=f"copy {number}", vector=items(0, 1)[0].vector) for number in range(12)])
        writer.publish()
    gallery = LocalGallery.open(path, check_every=1)
    gallery.search(items(0, 1)[0].vector[None], TOP_K, FieldMask())  # 13 at the same distance: any 10 are right
    assert after(gallery.info, 1).live_recall == 1.0
    gallery.close()


def test_another_generation_begins_anew(path: Path) -> None:
    with LiveGallery.open(path, check_every=1, compaction=None) as gallery:
        gallery.search(unit_vectors(1, DIMENSION), TOP_K, FieldMask())
        after(gallery.info, 1)
        gallery.compact()
        assert gallery.info().live_recall is None
        gallery.search(unit_vectors(1, DIMENSION), TOP_K, FieldMask())
        assert after(gallery.info, 1).live_recall == 1.0, "this generation is searched exactly"


def test_none_is_checked_unless_asked_for(path: Path) -> None:
    gallery = LocalGallery.open(path)
    for query in unit_vectors(50, DIMENSION):
        gallery.search(query[None], TOP_K, FieldMask())
    gallery.close()
    assert (gallery.info().live_recall, gallery.info().live_recall_searches) == (None, 0)


def test_about_one_in_as_many() -> None:
    checks = LiveRecall(10)
    due = sum(checks.is_due() for _ in range(10_000))
    checks.close()
    assert 800 < due < 1200, "9 standard deviations are 270"


def test_a_check_after_closing_is_left_out() -> None:
    checks = LiveRecall(1)
    checks.close()
    checks.close()
    query = unit_vectors(1, DIMENSION)[0]
    checks.check(CheckedSearch(view=View.of(None, DIMENSION), query=query, top_k=TOP_K, keys=[]))
    assert checks.figure(0) is None
    assert checks.is_due(), "nothing is held"


def test_a_negative_share_is_refused() -> None:
    with pytest.raises(InvalidInput, match="-1"):
        LiveRecall(-1)
