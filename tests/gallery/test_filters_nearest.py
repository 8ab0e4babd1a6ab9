"""Search under a mask, with each kind of index, against comparing with all that is kept."""

from typing import Any

import numpy as np
import pytest

from smserve.gallery.bitmap import Bitmap, Positions
from smserve.gallery.filtering.nearest import EXACT_SHARE, search_kept
from smserve.gallery.index import IndexChoice, VectorIndex
from smserve.types import FloatArray

COUNT, CLUSTERS, DIMENSION = 8000, 80, 32

CHOICES = (
    IndexChoice(),
    IndexChoice(index="IVF64,Flat", nprobe=2),
    IndexChoice(index="HNSW16", efSearch=32),
)


class Watched:
    """An index that says what it was asked for."""

    def __init__(self, index: VectorIndex) -> None:
        self.index = index
        self.asked: list[tuple[int, int, bool]] = []  # queries, top_k, whether it was to mask

    def search(self, queries: FloatArray, top_k: int, kept: Bitmap | None = None) -> list[tuple[Positions, FloatArray]]:
        self.asked.append((len(queries), top_k, kept is not None))
        return self.index.search(queries, top_k, kept)

    def __len__(self) -> int:
        return len(self.index)


@pytest.fixture(scope="module")
def clustered() -> tuple[FloatArray, Any, FloatArray]:
    """Vectors in order of their clusters, the cluster of each, and queries near all clusters."""
    random = np.random.default_rng(0)
    centres = random.standard_normal((CLUSTERS, DIMENSION))
    clusters = np.sort(random.integers(0, CLUSTERS, COUNT))
    points = centres[np.concatenate([clusters, np.arange(CLUSTERS)])]
    points = points + 0.5 * random.standard_normal(points.shape)
    unit = (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)
    return unit[:COUNT], clusters, unit[COUNT:]


@pytest.fixture(scope="module", params=CHOICES, ids=str)
def index(request: pytest.FixtureRequest, clustered: tuple[FloatArray, Any, FloatArray]) -> tuple[VectorIndex, bool]:
    return VectorIndex.build(clustered[0], request.param), not request.param.is_exact


def brute_force(vectors: FloatArray, kept: Positions, query: FloatArray, top_k: int) -> list[int]:
    order = np.argsort(-(vectors[kept] @ query))
    return [int(position) for position in kept[order[:top_k]]]


@pytest.mark.parametrize("share", [1.0, 0.9, 0.5, 0.25, 0.1, 0.0001])
@pytest.mark.parametrize("kind", ["random", "correlated"])
@pytest.mark.parametrize("batch", [1, 80])
def test_recall_does_not_depend_on_the_filter(
    index: tuple[VectorIndex, bool],
    clustered: tuple[FloatArray, Any, FloatArray],
    share: float,
    kind: str,
    batch: int,
) -> None:
    vectors, _, queries = clustered
    count = max(1, round(share * COUNT))
    # The vectors lie in order of their clusters, so the first of them are whole clusters.
    members = np.random.default_rng(1).permutation(COUNT)[:count] if kind == "random" else np.arange(count)
    found = []
    for start in range(0, len(queries), batch):
        found += search_kept(
            index=index[0],
            vectors=vectors,
            kept=Bitmap.of(members, COUNT),
            queries=queries[start : start + batch],
            top_k=10,
            approximate=index[1],
        )
    hits = 0
    for query, (positions, scores) in zip(queries, found, strict=True):
        wanted = brute_force(vectors, members, query, 10)
        assert len(positions) == len(set(positions.tolist())) == len(wanted)
        assert set(positions.tolist()) <= set(members.tolist())
        np.testing.assert_allclose(scores, vectors[positions] @ query, atol=1e-5)
        assert (np.diff(scores) <= 0).all()
        hits += len(set(positions.tolist()) & set(wanted))
    recall = hits / (len(queries) * min(10, count))
    assert recall == 1.0 if share < EXACT_SHARE or not index[1] else recall >= 0.99


def test_an_index_that_skips_would_have_missed_them(clustered: tuple[FloatArray, Any, FloatArray]) -> None:
    """Why the rule is what it is: half of the clusters kept, and the index's own selector loses many hits."""
    vectors, _, queries = clustered
    built = VectorIndex.build(vectors, CHOICES[1])
    members = np.arange(COUNT // 2)
    alone = [
        len(set(positions.tolist()) & set(brute_force(vectors, members, query, 10)))
        for query in queries
        for positions, _ in built.search(query[None], 10, Bitmap.of(members, COUNT))
    ]
    assert sum(alone) / (10 * len(queries)) < 0.95


def test_which_way_is_taken(clustered: tuple[FloatArray, Any, FloatArray]) -> None:
    vectors, _, queries = clustered
    watched = Watched(VectorIndex.build(vectors))

    def search(count: int, queries: FloatArray, top_k: int, *, approximate: bool) -> None:
        kept = Bitmap.of(np.arange(count), COUNT)
        search_kept(index=watched, vectors=vectors, kept=kept, queries=queries, top_k=top_k, approximate=approximate)

    search(int(EXACT_SHARE * COUNT) - 1, queries, 10, approximate=True)
    search(COUNT // 2, queries, 400, approximate=True)  # more than the index is asked for
    search(COUNT // 2, queries, 10, approximate=False)  # a batch
    assert watched.asked == []
    search(COUNT // 2, queries[:1], 10, approximate=False)
    assert watched.asked.pop() == (1, 10, True)
    search(COUNT // 2, queries, 10, approximate=True)
    assert watched.asked.pop() == (len(queries), 45, False)  # 10, and 3 deviations of 3.2, and 3, twice


@pytest.mark.parametrize("size", [0, 5])
def test_nothing_kept_is_no_hits(size: int) -> None:
    vectors = np.eye(5, dtype=np.float32)[:size]
    built = VectorIndex.build(np.eye(5, dtype=np.float32))
    for approximate in (False, True):
        answers = search_kept(
            index=built,
            vectors=vectors,
            kept=Bitmap.of(np.empty(0, np.int64), size),
            queries=np.eye(5, dtype=np.float32)[:2],
            top_k=3,
            approximate=approximate,
        )
        assert [(len(positions), len(scores)) for positions, scores in answers] == [(0, 0), (0, 0)]
