"""The figure and its interval."""

import numpy as np
import pytest

from smserve.gallery.tuning.queries import MeasuredQueries, between_neighbours, left_out
from smserve.gallery.tuning.recall import Recall, recall_of
from tests.gallery.brute_force import unit_vectors


def test_independent_hits_give_the_wilson_interval() -> None:
    random = np.random.default_rng(0)
    recalls = random.binomial(10, 0.9, 400) / 10
    recall = Recall.of(recalls, 10)
    trials, p, z = 4000, recalls.mean(), 1.959964
    half = z * np.sqrt(p * (1 - p) / trials + z**2 / (4 * trials**2)) / (1 + z**2 / trials)
    assert (recall.high - recall.low) / 2 == pytest.approx(half, rel=0.1)
    assert recall.low < p < recall.high


def test_hits_that_are_missed_together_widen_it() -> None:
    scattered = Recall.of(np.tile([0.9, 0.9], 200), 10)
    together = Recall.of(np.tile([1.0] * 9 + [0.0], 40), 10)
    assert scattered.value == pytest.approx(together.value)
    assert together.high - together.low > 2.5 * (Recall.of(np.tile([1.0, 0.8], 200), 10).high - 0.9)


def test_nothing_missed_is_no_certainty() -> None:
    few, many = Recall.of(np.ones(50), 10), Recall.of(np.ones(5000), 10)
    assert few.value == many.value == few.high == 1.0
    assert few.low == pytest.approx(50 / (50 + 1.959964**2), abs=1e-6)
    assert few.low < many.low < 1.0


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    random = np.random.default_rng(1)
    covered = 0
    for _ in range(400):
        chances = random.beta(19, 1, 200)  # of queries, easy and hard: 0.95 on average
        recall = Recall.of(random.binomial(10, chances) / 10, 10)
        covered += recall.low <= 0.95 <= recall.high
    assert 0.92 <= covered / 400 <= 0.99


def test_a_duplicate_of_a_true_neighbour_is_as_right() -> None:
    vectors = np.repeat(unit_vectors(20, 8), 2, axis=0)
    queries = MeasuredQueries.of(unit_vectors(5, 8, seed=1), vectors)
    scores = queries.queries @ vectors.T
    best = np.argsort(-scores, axis=1)[:, :10]
    twins = best ^ 1  # 2i and 2i + 1 are the same vector
    found = [(row, np.zeros(10, np.float32)) for row in twins]
    assert recall_of(found, queries.kth_scores, queries.queries, vectors, 10).value == 1.0
    worse = [(np.argsort(row)[:10], np.zeros(10, np.float32)) for row in scores]
    assert recall_of(worse, queries.kth_scores, queries.queries, vectors, 10).value == 0.0


def test_left_out_queries_are_not_indexed() -> None:
    vectors = unit_vectors(200, 8)
    measured = left_out(vectors, 30, seed=0)
    assert (len(measured.queries), len(measured.vectors)) == (30, 170)
    assert (measured.queries @ measured.vectors.T).max() < 1 - 1e-6
    np.testing.assert_allclose(
        measured.kth_scores, np.sort(measured.queries @ measured.vectors.T, axis=1)[:, -10], atol=1e-6
    )
    assert len(left_out(vectors[:3], 30, seed=0).queries) == 1


def test_queries_between_neighbours_are_new_and_near() -> None:
    random = np.random.default_rng(0)
    points = np.repeat(unit_vectors(20, 16), 30, axis=0) + 0.05 * random.standard_normal((600, 16))
    vectors = (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)
    measured = between_neighbours(vectors, 100, seed=0)
    np.testing.assert_allclose(np.linalg.norm(measured.queries, axis=1), 1, atol=1e-5)
    nearest = (measured.queries @ vectors.T).max(axis=1)
    assert np.median(nearest) > 0.95, "of a cluster"
    assert (nearest < 1 - 1e-6).mean() > 0.8, "rarely a vector itself"
    assert between_neighbours(vectors[:1], 100, seed=0).k == 1
