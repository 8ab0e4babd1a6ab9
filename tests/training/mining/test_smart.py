import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.mining.algorithm_1 import mine_one_anchor
from tests.training.mining.lists import Lists, neighbour_lists
from training.mining import choose_kappa, mine_triplets, random_triplets, smart


@given(
    lists=neighbour_lists(),
    kappa=st.sampled_from([0.5, 1.0, 1.1, 2.0, 2.25, 4.0, 16.0]),
    per_anchor=st.integers(1, 6),
    seed=st.integers(0, 99),
    tile=st.sampled_from([1, 30, 2**20]),
)
@settings(max_examples=200, deadline=None)
def test_equals_algorithm_1_anchor_by_anchor(lists: Lists, kappa: float, per_anchor: int, seed: int, tile: int) -> None:
    neighbours, distances, labels = lists
    random = np.random.default_rng(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(smart, "_TILE_ELEMENTS", tile)  # so that small inputs take several tiles
        found = mine_triplets(neighbours, distances, labels, kappa=kappa, per_anchor=per_anchor, random=random)
    assert found.triplets.shape == (len(labels) * per_anchor, 3)
    random_positives, random_whole, valid = 0, 0, 0
    ratios = []
    for anchor, label in enumerate(labels):
        same = labels[neighbours[anchor]] == label
        expected = mine_one_anchor(
            neighbours[anchor].tolist(), distances[anchor].tolist(), same.tolist(), kappa, per_anchor
        )
        valid += len(expected.valid_negatives)
        rows = range(anchor * per_anchor, (anchor + 1) * per_anchor)
        for row, (positive, negative) in zip(rows, expected.triplets, strict=True):
            got_anchor, got_positive, got_negative = found.triplets[row].tolist()
            assert got_anchor == anchor
            assert got_positive != anchor
            assert labels[got_positive] == label
            assert labels[got_negative] != label
            assert found.mined[row] == (negative is not None)
            assert found.random_positive[row] == (negative is not None and positive is None)
            assert np.isnan(found.ratios[row]) == (positive is None)
            if negative is None:
                random_whole += 1
                continue
            assert got_negative == negative
            if positive is not None:
                assert got_positive == positive
                listed = dict(zip(neighbours[anchor].tolist(), distances[anchor].tolist(), strict=True))
                ratios.append((listed[negative] / listed[positive]) ** 0.5)
                assert found.ratios[row] == pytest.approx(ratios[-1])
                assert ratios[-1] < 1
            else:
                random_positives += 1
                members = set(np.flatnonzero(labels == label).tolist()) - {anchor}
                outside = members - set(neighbours[anchor].tolist())
                assert got_positive in (outside or members)
    assert (found.random_positives, found.random_triplets) == (random_positives, random_whole)
    assert found.valid_negatives == pytest.approx(valid / len(labels))
    assert found.hardness() == (pytest.approx(np.mean(ratios)) if ratios else None)


def test_the_example_by_hand() -> None:
    # Anchor 0 of class 0; from near to far: n p n p n p, at squared distances 1 2 3 4 5 9.
    labels = np.array([0, 1, 0, 1, 0, 1, 0])
    neighbours = np.array([[1, 2, 3, 4, 5, 6]] * 7)
    distances = np.tile(np.array([1, 2, 3, 4, 5, 9], np.float32), (7, 1))
    random = np.random.default_rng(0)
    near = mine_triplets(neighbours, distances, labels, kappa=1, per_anchor=2, random=random)
    assert near.triplets[:2].tolist() == [[0, 4, 3], [0, 6, 5]]  # 1 lies before the first positive
    far = mine_triplets(neighbours, distances, labels, kappa=2, per_anchor=2, random=random)
    assert far.triplets[0].tolist() == [0, 6, 5]  # the bound is 4: picture 4 lies on it and is skipped as well
    assert far.mined[:2].tolist() == [True, False]


def test_hardness_and_the_counts_follow_what_is_kept() -> None:
    labels = np.array([0, 1, 0, 1, 0, 1, 0])
    neighbours = np.array([[1, 2, 3, 4, 5, 6]] * 7)
    distances = np.tile(np.array([1, 2, 4, 9, 16, 25], np.float32), (7, 1))
    found = mine_triplets(neighbours, distances, labels, kappa=1, per_anchor=3, random=np.random.default_rng(0))
    assert found.triplets[:2].tolist() == [[0, 4, 3], [0, 6, 5]]
    assert found.ratios[:2].tolist() == pytest.approx([2 / 3, 4 / 5])
    assert np.isnan(found.ratios[2])  # a random triplet
    kept = np.zeros(21, np.bool_)
    kept[1] = True
    assert found.hardness(kept) == pytest.approx(4 / 5)
    kept[:3] = True
    assert found.hardness(kept) == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert found.hardness(np.arange(21) == 2) is None


def test_no_rounding_widens_the_sphere() -> None:
    distances = np.array([[0.25, 1.1 * 0.25, 1]] * 4, np.float32)
    assert float(distances[0, 1]) > 1.1 * 0.25  # but not above the product as float32
    neighbours, labels = np.array([[1, 2, 3]] * 4), np.array([0, 0, 1, 1])
    found = mine_triplets(neighbours, distances, labels, kappa=1.1, per_anchor=1, random=np.random.default_rng(0))
    assert found.triplets[0].tolist() == [0, 1, 2]


def clustered(count: int, classes: int, length: int) -> Lists:
    random = np.random.default_rng(0)
    labels = np.arange(count) % classes
    points = random.normal(size=(classes, 16))[labels] + random.normal(size=(count, 16))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    squared = (2 - 2 * points @ points.T).astype(np.float32)
    np.fill_diagonal(squared, np.inf)
    neighbours = np.argsort(squared, axis=1, kind="stable")[:, :length]
    return neighbours, np.take_along_axis(squared, neighbours, 1), labels


def test_paired_triplets_violate_at_mining_time() -> None:
    neighbours, distances, labels = clustered(300, 10, 120)
    random = np.random.default_rng(0)
    found = mine_triplets(neighbours, distances, labels, kappa=1.2, per_anchor=5, random=random)
    whole = np.full((300, 300), np.inf)
    np.put_along_axis(whole, neighbours, distances, 1)
    anchor, positive, negative = found.triplets[found.mined].T
    violating = int((whole[anchor, positive] > whole[anchor, negative]).sum())
    assert violating >= found.mined.sum() - found.random_positives > 1000


def test_a_negative_serves_an_anchor_once() -> None:
    neighbours, distances, labels = clustered(300, 10, 120)
    found = mine_triplets(neighbours, distances, labels, kappa=1, per_anchor=10, random=np.random.default_rng(0))
    pairs = found.triplets[found.mined][:, [0, 2]]
    assert len(np.unique(pairs, axis=0)) == len(pairs) > 1000


def test_the_same_seed_gives_the_same_triplets() -> None:
    neighbours, distances, labels = clustered(100, 5, 30)
    first, second = (
        mine_triplets(neighbours, distances, labels, kappa=4, per_anchor=3, random=np.random.default_rng(7))
        for _ in range(2)
    )
    assert first.random_triplets > 0
    assert np.array_equal(first.triplets, second.triplets)


def test_it_is_quick_at_the_size_of_cub() -> None:
    random = np.random.default_rng(0)
    labels = np.arange(6000) % 100
    neighbours = random.integers(0, 6000, (6000, 200))
    distances = np.sort(random.random((6000, 200), np.float32), axis=1)
    started = time.process_time()
    mine_triplets(neighbours, distances, labels, kappa=2, per_anchor=10, random=random)
    assert time.process_time() - started < 2


def test_many_random_positives_are_quick() -> None:
    # Each list has its positive in front and none behind: all 200,000 triplets want a positive from outside.
    random = np.random.default_rng(0)
    labels = np.arange(20_000) // 2 % 4_000  # classes of four or six, in pairs
    neighbours = random.integers(0, 20_000, (20_000, 50))
    neighbours[:, 0] = np.arange(20_000) ^ 1
    distances = np.sort(random.random((20_000, 50), np.float32), axis=1)
    started = time.process_time()
    found = mine_triplets(neighbours, distances, labels, kappa=1, per_anchor=10, random=random)
    assert time.process_time() - started < 4
    assert found.random_positives > 190_000


def test_kappa_is_the_largest_that_serves_half_of_the_anchors() -> None:
    # Nearest positive at 1; the only negative of each anchor at 3, 5, 17 and 65.
    distances = np.array([[1, 3], [1, 5], [1, 17], [1, 65]], np.float32)
    positive = np.array([[True, False]] * 4)
    assert choose_kappa(distances, positive) == 16  # two of four lie beyond 16
    assert choose_kappa(distances[:3], positive[:3]) == 4
    assert choose_kappa(distances[:1], positive[:1]) == 2
    assert choose_kappa(distances, ~positive) == 1  # no positive before a negative: none serves


def test_random_triplets_are_fair() -> None:
    labels = np.array([0, 0, 0, 1, 1, 2, 2])
    triplets = random_triplets(labels, 600, np.random.default_rng(0))
    anchor, positive, negative = triplets.T
    assert np.array_equal(anchor, np.repeat(np.arange(7), 600))
    assert (labels[positive] == labels[anchor]).all()
    assert (positive != anchor).all()
    assert (labels[negative] != labels[anchor]).all()
    of_first = triplets[anchor == 0]
    assert np.bincount(of_first[:, 1], minlength=7)[[1, 2]].min() > 250  # of 600 each half
    assert np.bincount(of_first[:, 2], minlength=7)[3:].min() > 110  # each a quarter
