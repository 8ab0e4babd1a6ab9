import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from smserve.errors import InvalidInput
from training.metrics import nmi_of_clusters, normalised_mutual_information


def by_counting(first: list[int], second: list[int]) -> float:
    """2 I / (H1 + H2) from the table of how often labels meet."""

    def entropy(labels: list[int]) -> float:
        shares = [labels.count(label) / len(labels) for label in set(labels)]
        return -sum(share * math.log(share) for share in shares)

    together = list(zip(first, second, strict=True))
    mutual = sum(
        (share := together.count(pair) / len(together))
        * math.log(share / (first.count(pair[0]) / len(first) * second.count(pair[1]) / len(second)))
        for pair in set(together)
    )
    return 2 * mutual / (entropy(first) + entropy(second))


PAIRS = st.lists(st.tuples(st.integers(-2, 3), st.integers(0, 4)), min_size=2, max_size=30)


@given(pairs=PAIRS.filter(lambda pairs: len({first for first, _ in pairs}) > 1))
@settings(max_examples=60, deadline=None)
def test_given_clusters_equal_counting(pairs: list[tuple[int, int]]) -> None:
    clusters, labels = [first for first, _ in pairs], [second for _, second in pairs]
    found = nmi_of_clusters(np.array(clusters), np.array(labels))
    assert found == pytest.approx(by_counting(clusters, labels), abs=1e-9)
    assert found == pytest.approx(nmi_of_clusters(np.array(labels), np.array(clusters)))


@pytest.mark.parametrize("seed", range(3))
def test_given_clusters_equal_what_pytorch_metric_learning_takes(seed: int) -> None:
    # Its AccuracyCalculator hands clusters to this function of scikit-learn.
    from sklearn.metrics import normalized_mutual_info_score

    random = np.random.default_rng(seed)
    labels = random.integers(0, 40, 900)
    clusters = np.where(random.random(900) < 0.6, labels, random.integers(0, 50, 900))
    expected = normalized_mutual_info_score(labels, clusters)
    assert nmi_of_clusters(clusters, labels) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("clusters", "labels", "expected"),
    [
        ([3, 3, 3], [1, 1, 1], 1.0),  # neither divides them, so they agree
        ([3, 3, 3, 3], [1, 1, 2, 2], 0.0),
        ([0, 1, 0, 1], [1, 1, 2, 2], 0.0),
        ([7, 7, 5, 5], [1, 1, 2, 2], 1.0),
    ],
)
def test_given_clusters_by_hand(clusters: list[int], labels: list[int], expected: float) -> None:
    assert nmi_of_clusters(np.array(clusters), np.array(labels)) == pytest.approx(expected, abs=1e-12)


def test_two_tight_clusters_against_labels_that_differ_in_one() -> None:
    points = np.array([[1, 0]] * 4 + [[0, 1]] * 4, np.float32)
    points += np.linspace(0, 0.01, 8, dtype=np.float32)[:, None]
    labels = [0, 0, 0, 1, 1, 1, 1, 1]
    clusters = [0] * 4 + [1] * 4
    found = normalised_mutual_information(points, np.array(labels), seeds=(0, 1, 2))
    assert found == pytest.approx(by_counting(labels, clusters))
    assert 0.4 < found < 0.7
    assert found == normalised_mutual_information(torch.from_numpy(points), np.array(labels), seeds=(0, 1, 2))


def test_right_clusters_give_one() -> None:
    points = np.repeat(np.eye(5, dtype=np.float32), 6, axis=0) + np.linspace(0, 0.01, 30, dtype=np.float32)[:, None]
    seeds = range(5)
    assert max(normalised_mutual_information(points, np.arange(30) // 6, (seed,)) for seed in seeds) == pytest.approx(1)


def test_seeds_are_averaged_and_repeat() -> None:
    points = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    labels = np.arange(60) % 6
    alone = [normalised_mutual_information(points, labels, (seed,)) for seed in (0, 1)]
    assert alone[0] != alone[1]
    assert normalised_mutual_information(points, labels, (0, 1)) == pytest.approx(np.mean(alone))


def test_bad_input() -> None:
    with pytest.raises(InvalidInput, match="there are 3 labels for 4 embeddings"):
        normalised_mutual_information(np.eye(4, dtype=np.float32), np.arange(3))
    with pytest.raises(InvalidInput, match="there are no seeds"):
        normalised_mutual_information(np.eye(4, dtype=np.float32), np.arange(4), ())
    with pytest.raises(InvalidInput, match="there are 3 labels for 4 clusters"):
        nmi_of_clusters(np.arange(4), np.arange(3))
