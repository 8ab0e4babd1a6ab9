from dataclasses import replace

import numpy as np
import pytest
import torch

from training.calibration import NeighbourPairs, fit_calibration, neighbour_pairs, reliability


def drawn(slope: float, intercept: float, count: int = 20_000, classes: int = 50) -> NeighbourPairs:
    """Pairs whose chance to be of one class is known."""
    random = np.random.default_rng(0)
    cosines = random.uniform(0, 1, count)
    chance = 1 / (1 + np.exp(-(slope * cosines + intercept)))
    return NeighbourPairs(
        cosines=cosines, same=random.uniform(size=count) < chance, queries=random.integers(0, classes, count)
    )


def test_the_true_curve_is_found() -> None:
    fitted = fit_calibration(drawn(12.0, -7.0), fitted_on="drawn")
    assert fitted is not None
    calibration = fitted.calibration
    assert calibration.slope == pytest.approx(12, rel=0.05)
    assert calibration.intercept == pytest.approx(-7, rel=0.05)
    assert (calibration.pairs, calibration.fitted_on, calibration.neighbours) == (20_000, "drawn", 10)
    assert calibration.error < 0.02
    grid = np.linspace(0, 1, 21)
    true = 1 / (1 + np.exp(-(12 * grid - 7)))
    assert np.abs(calibration.probability(grid) - true).max() < 0.02


def test_a_narrow_range_of_cosines_is_no_obstacle() -> None:
    """As of a network that has learnt little: all cosines lie between 0.99 and 1."""
    wide = drawn(12.0, -7.0)
    narrow = NeighbourPairs(cosines=0.99 + wide.cosines / 100, same=wide.same, queries=wide.queries)
    fitted, expected = (fit_calibration(pairs, fitted_on="drawn") for pairs in (narrow, wide))
    assert fitted is not None
    assert expected is not None
    grid = np.linspace(0, 1, 21)
    np.testing.assert_allclose(
        fitted.calibration.probability(0.99 + grid / 100), expected.calibration.probability(grid), atol=0.01
    )


def test_the_stored_numbers_are_short() -> None:
    fitted = fit_calibration(drawn(9.0, -5.0), fitted_on="drawn")
    assert fitted is not None
    for value in (fitted.calibration.slope, fitted.calibration.intercept, fitted.calibration.same_class_share):
        assert float(f"{value:.6g}") == value


def test_the_error_is_that_of_classes_not_seen() -> None:
    """Within each class cosines say nothing of the others: classes of high cosines are right, the next are wrong."""
    random = np.random.default_rng(0)
    queries = np.repeat(np.arange(40), 100)
    cosines = random.uniform(0, 1, 4000)
    same = np.where(queries < 20, cosines > 0.2, cosines > 0.8)
    fitted = fit_calibration(NeighbourPairs(cosines=cosines, same=same, queries=queries), fitted_on="drawn")
    assert fitted is not None
    assert fitted.calibration.error == pytest.approx(fitted.unseen.error, abs=1e-4)
    assert fitted.unseen.pairs.sum() == 4000


@pytest.mark.parametrize(
    "pairs",
    [
        pytest.param(drawn(12.0, -7.0, count=30), id="few pairs"),
        pytest.param(drawn(0.0, 50.0), id="all of one class"),
        pytest.param(drawn(-12.0, 7.0), id="a larger cosine is less likely"),
        pytest.param(drawn(12.0, -7.0, classes=3), id="few classes"),
        pytest.param(drawn(12.0, -7.0, count=0), id="none"),
        pytest.param(replace(drawn(12.0, -7.0), cosines=np.ones(20_000)), id="all alike"),
    ],
)
def test_what_says_nothing_gives_no_calibration(pairs: NeighbourPairs) -> None:
    assert fit_calibration(pairs, fitted_on="drawn") is None


def test_reliability_by_hand() -> None:
    said = np.array([0.05, 0.15, 0.19, 0.95, 1.0])
    same = np.array([False, False, True, True, True])
    found = reliability(said, same)
    assert found.pairs.tolist() == [1, 2, 2]
    assert found.said == pytest.approx([0.05, 0.17, 0.975])
    assert found.came_true == pytest.approx([0, 0.5, 1])
    assert found.error == pytest.approx((0.05 * 1 + 0.33 * 2 + 0.025 * 2) / 5)


def test_pairs_are_pictures_and_their_nearest() -> None:
    degrees = torch.deg2rad(torch.tensor([0.0, 10.0, 30.0, 90.0]))
    embeddings = torch.stack([degrees.cos(), degrees.sin()], 1)
    pairs = neighbour_pairs(embeddings, np.array([0, 0, 1, 1]), count=1)
    assert pairs.cosines == pytest.approx(np.cos(np.deg2rad([10, 10, 20, 60])), abs=1e-6)
    assert pairs.same.tolist() == [True, True, False, True]
    assert pairs.queries.tolist() == [0, 0, 1, 1]


def test_pairs_with_a_gallery() -> None:
    embeddings = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    gallery = torch.tensor([[0.6, 0.8], [1.0, 0.0], [0.0, 1.0]])
    pairs = neighbour_pairs(embeddings, np.array([4, 5]), count=2, gallery=gallery, gallery_labels=np.array([4, 5, 5]))
    assert pairs.cosines == pytest.approx([1, 0.6, 1, 0.8], abs=1e-6)
    assert pairs.same.tolist() == [False, True, True, False]
