"""Every kind of index answers as brute force does, to its recall, and exactly where that can be asked for."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from smserve.errors import InvalidInput
from smserve.gallery.bitmap import Bitmap
from smserve.gallery.index import EXACT, IndexChoice, VectorIndex, nearest_exactly, using_threads
from smserve.types import FloatArray
from tests.gallery.brute_force import unit_vectors

COUNT, DIMENSION = 2000, 16
KINDS = (
    IndexChoice(),
    IndexChoice(index="SQfp16"),
    IndexChoice(index="IVF40,Flat", nprobe=20),
    IndexChoice(index="IVF40_HNSW8,Flat", nprobe=20),
    IndexChoice(index="IVF40,SQ8,RFlat", nprobe=20, k_factor=3.0),
    IndexChoice(index="IVF40,PQ8x4fs,RFlat", nprobe=20, k_factor=40.0),
    IndexChoice(index="HNSW16", efSearch=96, efConstruction=40),
    IndexChoice(index="HNSW16,SQfp16", efSearch=96, efConstruction=40),
    IndexChoice(index="HNSW16,SQ8,RFlat", efSearch=96, efConstruction=40, k_factor=3.0),
)


@pytest.fixture(scope="module")
def vectors() -> FloatArray:
    """20 clusters of about 100."""
    random = np.random.default_rng(0)
    points = unit_vectors(20, DIMENSION)[random.integers(0, 20, COUNT)]
    points = points + 0.1 * random.standard_normal(points.shape, np.float32)
    unit: FloatArray = points / np.linalg.norm(points, axis=1, keepdims=True)
    return unit


@pytest.fixture(scope="module", params=KINDS, ids=str)
def built(request: pytest.FixtureRequest, vectors: FloatArray) -> VectorIndex:
    with using_threads(1):
        return VectorIndex.build(vectors, request.param)


def brute_force(
    vectors: FloatArray, queries: FloatArray, top_k: int, kept: NDArray[np.bool_] | None = None
) -> list[list[int]]:
    scores = queries @ vectors.T
    if kept is not None:
        scores[:, ~kept] = -2
    return [np.argsort(-row, kind="stable")[:top_k].tolist() for row in scores]


def recall(index: VectorIndex, vectors: FloatArray, top_k: int, kept: NDArray[np.bool_] | None = None) -> float:
    """Search from near 40 vectors, check what must always hold, and return the share of the truth that was found."""
    queries = vectors[::50] + np.float32(0.05)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    wanted = brute_force(vectors, queries, min(top_k, COUNT if kept is None else int(kept.sum())), kept)
    found = index.search(queries, top_k, kept)
    for (positions, scores), truth, query in zip(found, wanted, queries, strict=True):
        assert len(positions) == len(truth), "as many as there are"
        assert len(set(positions.tolist())) == len(positions)
        assert (positions >= 0).all()
        assert kept is None or kept[positions].all()
        assert (np.diff(scores) <= 0).all()
        np.testing.assert_allclose(scores, vectors[positions] @ query, atol=2e-3)
    hits = [
        len(set(positions.tolist()) & set(truth)) / len(truth)
        for (positions, _), truth in zip(found, wanted, strict=True)
    ]
    return float(np.mean(hits))


@pytest.mark.parametrize("top_k", [1, 10, 100, 1000, 5000])
def test_recall_holds_however_many_hits_are_wanted(built: VectorIndex, vectors: FloatArray, top_k: int) -> None:
    assert recall(built, vectors, top_k) >= 0.95


@pytest.mark.parametrize("share", [0.5, 0.1, 0.01, 0.001])
def test_recall_holds_however_few_positions_may_be_found(built: VectorIndex, vectors: FloatArray, share: float) -> None:
    kept = np.random.default_rng(1).random(COUNT) < share
    assert recall(built, vectors, 10, kept) >= 0.95


def test_what_is_kept_may_lie_far_from_the_query(built: VectorIndex, vectors: FloatArray) -> None:
    kept = vectors @ vectors[0] < -0.2  # an IVF finds nothing of this in the lists nearest to the first vector
    ((positions, _),) = built.search(vectors[:1], 10, kept)
    assert len(positions) == 10
    assert kept[positions].all()


def test_a_bitmap_says_the_same_as_booleans(built: VectorIndex, vectors: FloatArray) -> None:
    kept = np.random.default_rng(2).random(COUNT) < 0.3
    bitmap = Bitmap.from_booleans(kept)
    for _ in range(2):  # the second time its selector is known
        for by_bitmap, by_booleans in zip(
            built.search(vectors[:5], 10, bitmap), built.search(vectors[:5], 10, kept), strict=True
        ):
            np.testing.assert_array_equal(by_bitmap[0], by_booleans[0])
    assert len(built.search(vectors[:1], 10, Bitmap.from_booleans(np.zeros(COUNT, np.bool_)))[0][0]) == 0


def test_settings_travel_in_the_file(built: VectorIndex, vectors: FloatArray, tmp_path: Path) -> None:
    built.save(tmp_path / "index.faiss")
    assert (tmp_path / "index.faiss").stat().st_size == built.size_bytes()
    loaded = VectorIndex.load(tmp_path / "index.faiss", built.choice)
    for top_k in (10, 200):
        for wanted, got in zip(built.search(vectors[:50], top_k), loaded.search(vectors[:50], top_k), strict=True):
            np.testing.assert_array_equal(got[0], wanted[0])
            np.testing.assert_array_equal(got[1], wanted[1])


@pytest.mark.parametrize("choice", KINDS, ids=str)
def test_the_same_seed_builds_the_same_file(choice: IndexChoice, vectors: FloatArray, tmp_path: Path) -> None:
    for name in ("first", "second"):
        VectorIndex.build(vectors[:1000], choice, seed=5).save(tmp_path / name)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_threads_change_no_ivf(vectors: FloatArray, tmp_path: Path) -> None:
    for threads in (1, 2):
        choice = IndexChoice(index="IVF40,SQ8,RFlat")
        VectorIndex.build(vectors, choice, threads=threads).save(tmp_path / str(threads))
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


def test_other_settings_find_more() -> None:
    scattered = unit_vectors(COUNT, DIMENSION)
    narrow = VectorIndex.build(scattered, IndexChoice(index="IVF50,Flat", nprobe=1))
    before = recall(narrow, scattered, 10)
    wide = narrow.with_settings(IndexChoice(index="IVF50,Flat", nprobe=50))
    assert before < 0.7
    assert recall(wide, scattered, 10) == 1.0


def test_exact_neighbours_without_an_index(vectors: FloatArray) -> None:
    scores, positions = nearest_exactly(vectors, vectors[:20], 7, threads=2)
    assert positions.tolist() == brute_force(vectors, vectors[:20], 7)
    np.testing.assert_allclose(scores[:, 0], 1.0, atol=1e-5)


@pytest.mark.parametrize(
    "index",
    [
        "",
        "flat",
        "Flat ",
        "HNSW0",
        "HNSW1",
        "HNSW129",
        "IVF0,Flat",
        "IVF,Flat",
        "NSG16",
        "PQ8",
        "OPQ8,IVF4,PQ8",
        "IVF4",
    ],
)
def test_an_index_that_no_gallery_can_have(index: str) -> None:
    with pytest.raises(InvalidInput, match="none that a gallery can have"):
        IndexChoice(index=index)


@pytest.mark.parametrize(
    "setting", [{"nprobe": 0}, {"efSearch": -1}, {"nprobe": 2.5}, {"k_factor": 0.5}, {"nprobe": True}]
)
def test_a_setting_out_of_its_range(setting: dict[str, int]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(setting))):
        IndexChoice(**setting)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("index", "said"), [("IVF5000,Flat", "5,000"), ("IVF4,PQ5x4fs", "multiple of the number of subquantizers")]
)
def test_an_index_that_does_not_fit_the_vectors(vectors: FloatArray, index: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        VectorIndex.build(vectors, IndexChoice(index=index))


@pytest.mark.parametrize("index", ["Flat", "HNSW16", "SQfp16"])
def test_no_vectors_at_all(index: str) -> None:
    empty = VectorIndex.build(np.empty((0, 4), np.float32), IndexChoice(index=index))
    assert [len(positions) for positions, _ in empty.search(unit_vectors(2, 4), 5)] == [0, 0]


def test_no_queries_at_all(built: VectorIndex) -> None:
    assert built.search(np.empty((0, DIMENSION), np.float32), 5) == []


def test_a_choice_comes_back_from_json() -> None:
    choice = IndexChoice(index="IVF1000,SQ8,RFlat", nprobe=8, k_factor=2.0)
    assert choice.to_dict() == {"index": "IVF1000,SQ8,RFlat", "nprobe": 8, "k_factor": 2.0}
    assert IndexChoice.from_dict(choice.to_dict()) == choice
    assert str(choice) == "IVF1000,SQ8,RFlat nprobe=8 k_factor=2"
    assert IndexChoice().index == EXACT
    with pytest.raises(InvalidInput, match="'probes'"):
        IndexChoice.from_dict({"index": "Flat", "probes": 3})


def test_vectors_lie_in_the_list_of_their_nearest_centroid() -> None:
    """Also where a graph leads to the centroids, which finds the nearest of most."""
    scattered = unit_vectors(COUNT, DIMENSION)
    found = [
        VectorIndex.build(scattered, IndexChoice(index=f"IVF200{graph},Flat", nprobe=3)).nearest(scattered[:100], 20)
        for graph in ("", "_HNSW2")
    ]
    np.testing.assert_array_equal(found[0][0], found[1][0])
