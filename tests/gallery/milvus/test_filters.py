"""What Milvus finds by a filter is what `matches` says: of random filters on random payloads, and of awkward ones."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smserve.filters import And, Equal, Exists, Filter, In, Not, Or, Range, matches
from smserve.filters.conditions import MAX_CONDITIONS, MAX_DEPTH, MAX_VALUES
from smserve.gallery import NewItem
from smserve.gallery.filtering import FilterCondition
from smserve.gallery.milvus import MilvusGallery, MilvusWriter
from smserve.gallery.milvus.expressions import compile_filter
from smserve.types import FieldMask
from tests.filters import strategies
from tests.gallery.conftest import MODEL
from tests.gallery.milvus.engine import milvus_at

VECTOR = np.array([0.6, 0.8], np.float32)


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusGallery]:
    address = milvus_at(tmp_path_factory.mktemp("milvus") / "m")
    writer = MilvusWriter.open(address, model_fingerprint=MODEL, dimension=2)
    writer.publish()
    writer.close()
    with MilvusGallery.open(address) as opened:
        yield opened


def check(gallery: MilvusGallery, filter: Filter, items: Sequence[NewItem]) -> list[str]:
    """Compare count, pages and a search; returns the ids that match."""
    gallery.delete(list(gallery.sources()))
    gallery.upsert(items)
    wanted = [
        item.item_id for item in items if matches(filter, label=item.label, item_id=item.item_id, payload=item.payload)
    ]
    condition = FilterCondition(filter)
    assert gallery.count(condition).total == len(wanted)
    assert [item.item_id for item in gallery.page(100, "", FieldMask(), condition).items] == wanted
    (hits,) = gallery.search(VECTOR[np.newaxis], 100, FieldMask(), condition).hits
    assert sorted(hit.item_id for hit in hits) == sorted(wanted)
    return wanted


def priced(*values: object) -> list[NewItem]:
    return [NewItem(item_id=str(number), vector=VECTOR, payload={"a": value}) for number, value in enumerate(values)]


def stored(contents: Sequence[tuple[str, dict[str, Any]]]) -> list[NewItem]:
    ids = itertools.count()
    return [
        NewItem(item_id=f"i{next(ids)}", vector=VECTOR, label=label, payload=payload) for label, payload in contents
    ]


@settings(max_examples=150, deadline=None, database=None)
@given(
    filter=strategies.filters,
    items=st.lists(st.tuples(strategies.labels, strategies.payloads), min_size=1, max_size=6).map(stored),
)
def test_random_filters_and_payloads(gallery: MilvusGallery, filter: Filter, items: list[NewItem]) -> None:
    check(gallery, filter, items)


def test_equality_tells_apart_what_json_does_not(gallery: MilvusGallery) -> None:
    values = [1, 1.0, True, "1", "true", None, "null", 0, False, "", [1], [[1]], {"a": 1}, "a\0b", "a", 2**63, 2.0**63]
    items = priced(*values)
    assert check(gallery, Equal("a", 1), items) == ["0", "1", "10"]
    assert check(gallery, Equal("a", True), items) == ["2"]
    assert check(gallery, Equal("a", None), items) == ["5"]
    assert check(gallery, Equal("a", 2.0**63), items) == ["16"]
    assert check(gallery, Range(field="a", gte=2.0**62), items) == ["16"]
    assert check(gallery, Not(Range(field="a", gt="a")), items) == [str(n) for n in range(17) if n not in {4, 6, 13}]
    assert check(gallery, Range(field="item_id", gte="15"), items) == [
        "2",
        "3",
        "4",
        "5",
        "6",
        "7",
        "8",
        "9",
        "15",
        "16",
    ]


def test_the_largest_filters_are_asked(gallery: MilvusGallery) -> None:
    items = priced(*range(20))
    many = And(tuple(Not(Equal("a", float(number))) for number in range(1, MAX_CONDITIONS + 1)))
    assert check(gallery, many, items) == ["0"]
    assert check(gallery, In("a", tuple(range(10, 10 + MAX_VALUES))), items) == [str(n) for n in range(10, 20)]
    deep: Filter = In("a", (5, 6.5, "x", True, None))
    for level in range(MAX_DEPTH - 1):
        deep = Or((Exists("b"), deep)) if level % 2 else And((Range(field="a", gte=-0.5, lt=1e9), deep))
    assert check(gallery, Not(deep), items) == [str(n) for n in range(20) if n != 5]


def test_only_a_range_is_not_asked_exactly() -> None:
    exact = Or((Not(Equal("a", 1)), And((Exists("b"), In("label", ("x", "y"))))))
    assert compile_filter(exact).exact
    assert not compile_filter(And((exact, Range(field="a", lt=3)))).exact
    assert compile_filter(Not(Range(field="a", lt=3))).text == ""  # every row may match


def test_few_matches_among_many_that_might_are_all_found(gallery: MilvusGallery) -> None:
    """Those that match are the farthest: the nearest that Milvus gives are looked at, then all."""
    angles = np.linspace(0, 3, 6000)
    vectors = np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32)
    gallery.delete(list(gallery.sources()))
    gallery.upsert(
        [NewItem(item_id=str(number), vector=vector, payload={"n": number}) for number, vector in enumerate(vectors)]
    )
    for bound in (5990, 20):
        condition = FilterCondition(Range(field="n", gte=bound))
        (hits,) = gallery.search(vectors[:1], 3, FieldMask(), condition).hits
        assert [hit.item_id for hit in hits] == [str(bound), str(bound + 1), str(bound + 2)]
    gallery.delete(FilterCondition(Exists("n")))
    assert not gallery.sources()
