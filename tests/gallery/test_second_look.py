"""Queries whose neighbours are far are looked at a second time: those alone, and as a search of more lists would."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from smserve.errors import GalleryDamaged, InvalidInput
from smserve.gallery.bitmap import Positions
from smserve.gallery.generation import Generation, GenerationManifest, generation_folder, manifest_bytes
from smserve.gallery.index import IndexChoice, VectorIndex, nearest_exactly
from smserve.gallery.publication import BuiltIndex, write_generation
from smserve.gallery.tuning import tune
from smserve.gallery.tuning.candidates import candidate_for, in_lists, second_looks
from smserve.gallery.view import View
from smserve.types import FloatArray
from tests.gallery.brute_force import unit_vectors

COUNT, DIMENSION = 4000, 16
SCORE, LISTS = 0.75, 24
CHOICES = (
    IndexChoice(index="IVF50,Flat", nprobe=2),
    IndexChoice(index="IVF50_HNSW8,SQfp16", nprobe=2),
    IndexChoice(index="IVF50,SQ8,RFlat", nprobe=2, k_factor=2.0),
)


def clustered(count: int, seed: int) -> FloatArray:
    """Return vectors (count, D): nine in ten of narrow clusters, the others anywhere."""
    random = np.random.default_rng(seed)
    points = unit_vectors(40, DIMENSION)[random.integers(0, 40, count)]
    points += 0.1 * random.standard_normal(points.shape, np.float32)
    points[::10] = random.standard_normal(points[::10].shape, np.float32)
    unit: FloatArray = points / np.linalg.norm(points, axis=1, keepdims=True)
    return unit


@pytest.fixture(scope="module")
def vectors() -> FloatArray:
    return clustered(COUNT, seed=1)


@pytest.fixture(scope="module")
def queries() -> FloatArray:
    return clustered(200, seed=2)


class Three:
    """The same index with second looks, without, and looking into as many lists as a second look does."""

    def __init__(self, vectors: FloatArray, choice: IndexChoice) -> None:
        self.both = VectorIndex.build(vectors, replace(choice, far_nprobe=LISTS, far_score=SCORE))
        self.near = VectorIndex.build(vectors, choice)
        self.wide = VectorIndex.build(vectors, replace(choice, nprobe=LISTS))


@pytest.fixture(scope="module", params=CHOICES, ids=str)
def three(request: pytest.FixtureRequest, vectors: FloatArray) -> Three:
    return Three(vectors, request.param)


@pytest.mark.parametrize("top_k", [3, 10, 40])
@pytest.mark.parametrize("share", [1.0, 0.9, 0.4])
@pytest.mark.parametrize("batch", [1, 200])
def test_those_below_the_score_alone_are_looked_at_again(
    three: Three, queries: FloatArray, top_k: int, share: float, batch: int
) -> None:
    kept = None if share == 1.0 else np.random.default_rng(3).random(COUNT) < share
    again = 0
    for start in range(0, len(queries), batch):
        some = queries[start : start + batch]
        near, near_scores = three.near.nearest(some, max(top_k, 10), kept)
        wide, wide_scores = three.wide.nearest(some, top_k, kept)
        far = near_scores[:, 9] < SCORE
        again += int(far.sum())
        positions, scores = three.both.nearest(some, top_k, kept)
        np.testing.assert_array_equal(positions, np.where(far[:, None], wide, near[:, :top_k]))
        np.testing.assert_allclose(scores, np.where(far[:, None], wide_scores, near_scores[:, :top_k]), atol=1e-6)
    assert 0.05 * len(queries) < again < 0.95 * len(queries), "some, not all"


def test_never_less_is_found_than_without(vectors: FloatArray, queries: FloatArray) -> None:
    alone = VectorIndex.build(vectors, IndexChoice(index="IVF50,Flat", nprobe=1))
    _, without = alone.nearest(queries, 10)
    better = 0
    for score in np.linspace(-1, 1, 9):
        for lists in (1, 2, 8, 50):
            choice = IndexChoice(index="IVF50,Flat", nprobe=1, far_nprobe=lists, far_score=float(score))
            _, found = alone.with_settings(choice).nearest(queries, 10)
            assert (found >= without - 1e-6).all()
            better += int((found > without + 1e-6).any())
    assert better > 0
    assert score == 1.0
    assert lists == 50
    np.testing.assert_allclose(found, nearest_exactly(vectors, queries, 10)[0], atol=1e-6)  # everything, for everyone


@pytest.mark.parametrize("count", [1, 5])
def test_of_few_vectors_the_last_counts(count: int) -> None:
    few = unit_vectors(count, DIMENSION)
    choice = IndexChoice(index="IVF1,Flat", nprobe=1, far_nprobe=1, far_score=1.0)
    positions, _ = VectorIndex.build(few, choice).nearest(few, 10)
    assert positions.shape == (count, count)
    assert positions[:, 0].tolist() == list(range(count))


def test_only_who_came_short_is_answered_exactly(vectors: FloatArray, queries: FloatArray) -> None:
    """Of a batch, as alone: one query whose lists are masked makes the others no slower."""
    index = VectorIndex.build(vectors, IndexChoice(index="IVF50,Flat", nprobe=1))
    kept = vectors @ queries[1] < 0.3  # nothing around this one is left
    together, _ = index.nearest(queries, 10, kept)
    alone = np.concatenate([index.nearest(query[None], 10, kept)[0] for query in queries])
    np.testing.assert_array_equal(together, alone)
    exact = np.argsort(-np.where(kept, queries @ vectors.T, -2), axis=1)[:, :10]
    missed = (np.sort(together) != np.sort(exact)).any(axis=1)
    assert not missed[1]
    assert missed.any()


def test_all_lists_of_a_graph_are_looked_into(vectors: FloatArray) -> None:
    """A graph over centroids may not lead to each of them; what must be exact does not ask it."""
    index = VectorIndex.build(vectors, IndexChoice(index="IVF500_HNSW2,Flat", nprobe=1))
    kept = np.zeros(COUNT, np.bool_)
    kept[::4] = True
    positions, _ = index.nearest(vectors[:50], COUNT, kept)
    assert (np.sort(positions) == np.flatnonzero(kept)).all()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"far_nprobe": 8}, "both or neither"),
        ({"far_score": 0.5}, "both or neither"),
        ({"nprobe": 8, "far_nprobe": 7, "far_score": 0.5}, "far_nprobe is 7, nprobe 8"),
        ({"far_nprobe": 8, "far_score": 1.5}, "far_score is 1.5; it is a number from -1 to 1"),
        ({"far_nprobe": 8, "far_score": -1.5}, "far_score"),
        ({"far_nprobe": 0, "far_score": 0.5}, "far_nprobe is 0"),
        ({"index": "HNSW16", "far_nprobe": 8, "far_score": 0.5}, "HNSW16 has no lists"),
    ],
)
def test_settings_that_do_not_fit(settings: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        IndexChoice(**{"index": "IVF50,Flat", **settings})  # type: ignore[arg-type]


def test_a_choice_says_it() -> None:
    choice = IndexChoice(index="IVF50,Flat", nprobe=2, far_nprobe=24, far_score=0.75)
    assert str(choice) == "IVF50,Flat nprobe=2 far_nprobe=24 far_score=0.75"
    assert IndexChoice.from_dict(json.loads(json.dumps(choice.to_dict()))) == choice
    assert (choice.lists, IndexChoice(index="IVF64_HNSW8,SQ8").lists, IndexChoice(index="HNSW16").lists) == (50, 64, 0)


def published(folder: Path, vectors: FloatArray, choice: IndexChoice) -> GenerationManifest:
    manifest, _ = write_generation(
        folder,
        [(np.arange(len(vectors)), vectors)],
        model_fingerprint="a" * 64,
        dimension=DIMENSION,
        metric="cosine",
        expected_count=len(vectors),
        last_sequence=1,
        build_index=partial(built, choice),
    )
    return manifest


def built(choice: IndexChoice, vectors: FloatArray) -> BuiltIndex:
    return BuiltIndex(index=VectorIndex.build(vectors, choice), recall={"kind": "not measured"})


def found(folder: Path, queries: FloatArray, removed: Positions) -> list[list[int]]:
    view = View.of(Generation.open(folder, 1), DIMENSION)
    if len(removed):
        assert view.generation is not None
        view = replace(view, kept=view.generation.all_positions().without(removed))
    return [[key for _, key in hits] for hits in view.search(queries, 10)]


@pytest.mark.parametrize("removed", [np.empty(0, np.int64), np.arange(0, COUNT, 7)], ids=["all", "some deleted"])
def test_it_travels_with_the_generation(
    vectors: FloatArray, queries: FloatArray, removed: NDArray[np.int64], tmp_path: Path
) -> None:
    three = Three(vectors, CHOICES[0])
    manifest = published(tmp_path, vectors, three.both.choice)
    assert manifest.choice() == three.both.choice
    assert manifest.recall == {"kind": "not measured", "choice": three.both.choice.to_dict()}
    kept = np.ones(COUNT, np.bool_)
    kept[removed] = False
    wanted = three.both.nearest(queries, 10, kept)[0].tolist()
    assert found(tmp_path, queries, removed) == wanted
    assert wanted != three.near.nearest(queries, 10, kept)[0].tolist()


def rewrite(folder: Path, manifest: GenerationManifest, recall: dict[str, object]) -> None:
    (generation_folder(folder, 1) / "manifest.json").write_bytes(manifest_bytes(replace(manifest, recall=recall)))


def test_a_manifest_without_a_choice_is_searched_as_its_file_says(
    vectors: FloatArray, queries: FloatArray, tmp_path: Path
) -> None:
    choice = replace(CHOICES[0], nprobe=3)
    rewrite(tmp_path, published(tmp_path, vectors, choice), {"kind": "not measured"})
    wanted = VectorIndex.build(vectors, choice).nearest(queries, 10)[0].tolist()
    assert found(tmp_path, queries, np.empty(0, np.int64)) == wanted


def test_a_manifest_with_a_setting_of_later_is_not_searched_without_it(vectors: FloatArray, tmp_path: Path) -> None:
    manifest = published(tmp_path, vectors, CHOICES[0])
    rewrite(tmp_path, manifest, {"choice": {**CHOICES[0].to_dict(), "third_look": 3}})
    with pytest.raises(GalleryDamaged, match="'third_look'"):
        Generation.open(tmp_path, 1)


def test_ladders_look_again_at_the_farthest() -> None:
    scores = np.linspace(0.2, 0.7, 1001).astype(np.float32)
    near, few, many = second_looks(IndexChoice(index="IVF100,Flat", nprobe=12), scores)
    assert {rung.far_score for rung in (*near, *few)} == {0.21}
    assert {rung.far_score for rung in many} == {0.25}
    assert [(rung.nprobe, rung.far_nprobe) for rung in near[:4]] == [(1, 8), (2, 16), (3, 24), (4, 32)]
    assert [(rung.nprobe, rung.far_nprobe) for rung in few[:5]] == [(1, 32), (2, 64), (3, 96), (4, 100), (5, 100)]
    assert near[-1].nprobe == few[-1].nprobe == 96
    harder = in_lists(in_lists(near[3], 6), 9)
    assert (harder.nprobe, harder.far_nprobe) == (9, 72)
    assert in_lists(few[0], 200).far_nprobe == 200, "FAISS takes as many as there are"
    assert in_lists(IndexChoice(index="IVF100,Flat"), 7) == IndexChoice(index="IVF100,Flat", nprobe=7)
    for index in ("Flat", "HNSW16", "IVF1,Flat"):
        assert second_looks(candidate_for(index).ladders[0][0], scores) == []


def test_tuning_takes_it_where_few_neighbours_are_far() -> None:
    """92 of 100 lie in narrow clusters; to find the neighbours of the others takes a third of all lists."""
    random = np.random.default_rng(0)
    points = unit_vectors(20, 32)[random.integers(0, 20, 20_000)]
    points += 0.02 * random.standard_normal(points.shape, np.float32)
    anywhere = random.random(len(points)) < 0.08
    points[anywhere] = unit_vectors(int(anywhere.sum()), 32, seed=1)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    report = tune(points, recall=0.99, indexes=["IVF300,Flat"], threads=1, exact_below=0)
    (alone,) = (trial for trial in report.trials if trial.choice.far_score is None)
    assert report.chosen is not None, "it takes less than half the time"
    assert report.chosen.choice.far_score is not None
    assert alone.choice.nprobe is not None
    assert alone.choice.nprobe > 4 * (report.chosen.choice.nprobe or 0)
