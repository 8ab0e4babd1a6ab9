"""Filters on a live gallery against the plain-Python meaning: upserts, deletes, compaction; match sets are kept."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from smserve.filters import Filter, matches, parse_filter
from smserve.gallery import LiveGallery, NewItem
from smserve.gallery.condition import Query
from smserve.gallery.filtering import FilterCondition
from smserve.gallery.values import Counts
from smserve.types import FieldMask
from tests.gallery.brute_force import BruteForce, unit_vectors
from tests.gallery.conftest import DIMENSION, MODEL, numbered

FILTERS = (
    'label = "class-1"',
    "number >= 12",
    'label in ("class-0", "class-2") and not number < 5',
    'item_id in ("item-3", "item-31") or missing = 1',
    "not exists(number)",
)


class Counted:
    """A condition that says from which key on it was asked."""

    def __init__(self, text: str) -> None:
        self.inner = FilterCondition(parse_filter(text))
        self.asked: list[int] = []

    @property
    def filter(self) -> Filter:
        return self.inner.filter

    def keys(
        self, query: Query, *, after_key: int, most: int | None = None
    ) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
        self.asked.append(after_key)
        return self.inner.keys(query, after_key=after_key, most=most)

    def describe(self) -> str:
        return self.inner.describe()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Counted) and self.inner == other.inner

    def __hash__(self) -> int:
        return hash(self.inner)


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[LiveGallery]:
    path = tmp_path / "g"
    LiveGallery.create(path, model_fingerprint=MODEL, dimension=DIMENSION)
    with LiveGallery.open(path) as opened:
        yield opened


def meets(filter: Filter, item: NewItem) -> bool:
    return matches(filter, label=item.label, item_id=item.item_id, payload=item.payload)


def check(gallery: LiveGallery, oracle: BruteForce) -> None:
    """Compare every filter's hits, count and pages with the oracle's."""
    queries = unit_vectors(3, DIMENSION, seed=99)
    for text in FILTERS:
        filter = parse_filter(text)
        condition, kept = FilterCondition(filter), BruteForce()
        kept.upsert([item for item in oracle.items.values() if meets(filter, item)])
        answer = gallery.search(queries, 7, FieldMask(), condition)
        for query, hits in zip(queries, answer.hits, strict=True):
            assert [hit.item_id for hit in hits] == [item_id for item_id, _ in kept.search(query, 7)], text
        assert gallery.count(condition).total == len(kept.items)
        labels = Counter(item.label for item in kept.items.values())
        assert gallery.count(condition, by_label=True) == Counts(total=len(kept.items), by_label=dict(labels))
        page = gallery.page(100, "", FieldMask(), condition)
        assert {item.item_id for item in page.items} == set(kept.items)


def test_writes_change_what_matches(gallery: LiveGallery) -> None:
    oracle = BruteForce()

    def upsert(items: list[NewItem]) -> None:
        gallery.upsert(items)
        oracle.upsert(items)
        check(gallery, oracle)

    upsert(numbered(range(20), seed=0))
    gallery.compact()
    check(gallery, oracle)
    upsert(numbered(range(15, 40), seed=1))  # five are replaced
    relabelled = [
        NewItem(item_id=item.item_id, vector=item.vector, label="class-1") for item in numbered(range(3, 9), seed=2)
    ]
    upsert(relabelled)  # they match other filters than before
    gallery.delete([f"item-{number}" for number in range(30, 36)])
    oracle.delete([f"item-{number}" for number in range(30, 36)])
    check(gallery, oracle)
    gallery.compact()
    check(gallery, oracle)


def test_delete_by_filter(gallery: LiveGallery) -> None:
    oracle = BruteForce()
    items = numbered(range(20), seed=0)
    gallery.upsert(items)
    filter = parse_filter('label = "class-1" and number < 10')
    assert gallery.delete(FilterCondition(filter)).item_count == 3  # 1, 4, 7
    oracle.upsert([item for item in items if not meets(filter, item)])
    check(gallery, oracle)


def test_sqlite_is_asked_at_the_first_use_and_then_for_newer_rows(gallery: LiveGallery) -> None:
    queries = unit_vectors(1, DIMENSION)
    gallery.upsert(numbered(range(20), seed=0))
    first, second = Counted("number >= 12"), Counted("number >= 12")
    for condition in (first, second, first):
        gallery.search(queries, 5, FieldMask(), condition)
    assert (first.asked, second.asked) == ([0], [])
    gallery.delete(["item-13"])
    gallery.search(queries, 5, FieldMask(), first)
    assert first.asked == [0]  # what is gone is masked; the match set stands
    gallery.upsert(numbered(range(18, 22), seed=1))
    ((*hits,),) = gallery.search(queries, 50, FieldMask(), second).hits
    assert {hit.item_id for hit in hits} == {f"item-{number}" for number in range(12, 22)} - {"item-13"}
    assert (first.asked, second.asked) == ([0], [20])


def test_filters_that_python_takes_for_equal_are_kept_apart(gallery: LiveGallery) -> None:
    """1 == True, and one answer must not be given for the other."""
    vectors = unit_vectors(3, DIMENSION)
    values = (1, True, 2)
    gallery.upsert(
        [
            NewItem(item_id=str(value), vector=vector, payload={"a": value})
            for value, vector in zip(values, vectors, strict=True)
        ]
    )
    for text, wanted in (("a = 1", ["1"]), ("a = true", ["True"]), ("a = 1.0", ["1"])):
        ((*hits,),) = gallery.search(vectors[:1], 5, FieldMask(), FilterCondition(parse_filter(text))).hits
        assert [hit.item_id for hit in hits] == wanted


def test_the_match_sets_kept_are_bounded(gallery: LiveGallery) -> None:
    queries = unit_vectors(1, DIMENSION)
    gallery.upsert(numbered(range(20), seed=0))
    first = Counted("number >= 12")
    gallery.search(queries, 5, FieldMask(), first)
    for number in range(100):
        ((*hits,),) = gallery.search(queries, 50, FieldMask(), Counted(f"number < {number}")).hits
        assert len(hits) == min(number, 20)
    gallery.search(queries, 5, FieldMask(), first)
    assert first.asked == [0, 0]
