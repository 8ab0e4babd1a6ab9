import math

import numpy as np
import pytest

from training.metrics import normalised_mutual_information


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


def test_two_tight_clusters_against_labels_that_differ_in_one() -> None:
    points = np.array([[1, 0]] * 4 + [[0, 1]] * 4, np.float32)
    points += np.linspace(0, 0.01, 8, dtype=np.float32)[:, None]
    labels = [0, 0, 0, 1, 1, 1, 1, 1]
    clusters = [0] * 4 + [1] * 4
    found = normalised_mutual_information(points, np.array(labels), seeds=(0, 1, 2))
    assert found == pytest.approx(by_counting(labels, clusters))
    assert 0.4 < found < 0.7


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
