"""What a search says of its own completeness is true: compared with looking at every item, over random galleries."""

import math
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smserve.gallery import LiveGallery, NewItem
from smserve.gallery.index import IndexChoice, VectorIndex
from smserve.gallery.publication import BuiltIndex
from smserve.gallery.values import PerLabel
from smserve.types import FieldMask, FloatArray
from tests.gallery.brute_force import BruteForce, unit_vectors
from tests.gallery.conftest import DIMENSION, MODEL
from tests.gallery.labelled import Labelled

COUNT = 60
LABELS = ("", "a", "a", "a", "b", "b", "c")  # some items have none
QUERIES = unit_vectors(6, DIMENSION, seed=77)


def items(numbers: range, seed: int) -> list[NewItem]:
    return [
        NewItem(item_id=f"i{number:02}", vector=vector, label=LABELS[number % len(LABELS)])
        for number, vector in zip(numbers, unit_vectors(len(numbers), DIMENSION, seed), strict=True)
    ]


def built(name: str, vectors: FloatArray) -> BuiltIndex:
    choice = IndexChoice(index=name, nprobe=1 if "IVF" in name else None)
    return BuiltIndex(index=VectorIndex.build(vectors, choice), recall={})


class Galleries:
    """The same items behind several indexes, some of them masked, some fresh."""

    def __init__(self, place: Path) -> None:
        self.oracle = BruteForce()
        self.open: dict[str, LiveGallery] = {}
        old, new = items(range(COUNT), seed=1), items(range(50, COUNT + 10), seed=2)
        for name in ("Flat", "IVF8,Flat", "HNSW4", "no generation"):
            path = place / name
            LiveGallery.create(path, model_fingerprint=MODEL, dimension=DIMENSION)
            gallery = LiveGallery.open(
                path,
                compaction=None,
                build_index=partial(built, "Flat" if name == "no generation" else name),
            )
            gallery.upsert(old)
            if name != "no generation":
                gallery.compact()
            for label in "abc":  # so that what is remembered of a filter is older than the writes
                gallery.search(QUERIES, 5, FieldMask(), Labelled(label))
            gallery.upsert(new)
            gallery.delete(["i03", "i55"])
            self.open[name] = gallery
        self.oracle.upsert(old)
        self.oracle.upsert(new)
        self.oracle.delete(["i03", "i55"])


@pytest.fixture(scope="module")
def galleries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Galleries]:
    made = Galleries(tmp_path_factory.mktemp("galleries"))
    yield made
    for gallery in made.open.values():
        gallery.close()


def allowed(oracle: BruteForce, query: int, label: str | None, most: int | None) -> list[tuple[str, float]]:
    """Return all items that may be found, by falling score."""
    found, seen = [], Counter[str]()
    for item_id, score in oracle.search(QUERIES[query], len(oracle.items)):
        of = oracle.items[item_id].label
        if label is not None and of != label:
            continue
        seen[of] += 1
        if most is None or not of or seen[of] <= most:
            found.append((item_id, score))
    return found


@pytest.mark.parametrize("name", ["Flat", "IVF8,Flat", "HNSW4", "no generation"])
@given(
    query=st.integers(0, len(QUERIES) - 1),
    top_k=st.one_of(st.integers(1, 12), st.integers(50, 75)),
    label=st.sampled_from([None, "a", "b", "c", "nobody"]),
    most=st.sampled_from([None, 1, 2, 5]),
)
@settings(max_examples=120, deadline=None)
def test_completeness(
    galleries: Galleries, name: str, query: int, top_k: int, label: str | None, most: int | None
) -> None:
    answer = galleries.open[name].search(
        QUERIES[query][np.newaxis],
        top_k,
        FieldMask(payload=False),
        None if label is None else Labelled(label),
        None if most is None else PerLabel(most=most),
    )
    (hits,), (above,) = answer.hits, answer.complete_above
    found = {hit.item_id for hit in hits}
    everything = allowed(galleries.oracle, query, label, most)
    missing = [score for item_id, score in everything if item_id not in found]
    assert all(score <= above + 1e-6 for score in missing)
    if name in {"Flat", "no generation"}:
        assert above < math.inf
        assert above == -math.inf or len(hits) == top_k  # else all was looked at
        if most is None:
            assert (above == -math.inf) == (not missing)


@pytest.mark.parametrize("name", ["Flat", "IVF8,Flat", "HNSW4", "no generation"])
@pytest.mark.parametrize("label", ["a", "b", "c"])
def test_as_many_as_there_are(galleries: Galleries, name: str, label: str) -> None:
    count = len(allowed(galleries.oracle, 0, label, None))
    for top_k, is_all in ((count - 1, False), (count, True), (count + 1, True)):
        answer = galleries.open[name].search(QUERIES, top_k, FieldMask(), Labelled(label))
        assert [above == -math.inf for above in answer.complete_above] == [is_all] * len(QUERIES)


def test_an_inexact_index_says_so_unless_it_gave_everything(galleries: Galleries) -> None:
    gallery = galleries.open["IVF8,Flat"]
    total = len(galleries.oracle.items)
    for top_k, wanted in ((5, math.inf), (total - 1, math.inf), (total, -math.inf), (total + 1, -math.inf)):
        assert gallery.search(QUERIES, top_k, FieldMask()).complete_above == (wanted,) * len(QUERIES)


def test_the_look_ahead_ends(in_memory: Path) -> None:
    """Behind 4,096 items of one label nobody knows what comes; only that it is not nearer."""
    path = in_memory / "g"
    LiveGallery.create(path, model_fingerprint=MODEL, dimension=DIMENSION)
    near, far = unit_vectors(2, DIMENSION, seed=5)
    with LiveGallery.open(path, compaction=None) as gallery:
        for start in range(0, 4100, 1025):
            many = [NewItem(item_id=f"n{number}", vector=near, label="a") for number in range(start, start + 1025)]
            gallery.upsert(many)
        gallery.upsert([NewItem(item_id="far", vector=far, label="b")])
        answer = gallery.search(near[np.newaxis], 3, FieldMask(payload=False), None, PerLabel(most=1))
    assert [hit.label for hit in answer.hits[0]] == ["a"]
    assert answer.complete_above[0] == pytest.approx(1.0, abs=1e-5)


def test_only_the_wanted_columns(in_memory: Path) -> None:
    path = in_memory / "g"
    LiveGallery.create(path, model_fingerprint=MODEL, dimension=DIMENSION)
    payload = {"price": 3, "name": "ä", "seen": None}
    fields = FieldMask(payload_keys=("seen", "price", "no such"))
    with LiveGallery.open(path, compaction=None) as gallery:
        gallery.upsert([NewItem(item_id="i", vector=QUERIES[0], payload=payload)])
        ((hit,),) = gallery.search(QUERIES[:1], 1, fields).hits
        assert hit.payload == gallery.get("i", fields).payload == {"seen": None, "price": 3}
        assert gallery.page(1, "", fields).items[0].payload == {"seen": None, "price": 3}
        assert gallery.get("i", FieldMask(payload=False, payload_keys=("price",))).payload == {}
