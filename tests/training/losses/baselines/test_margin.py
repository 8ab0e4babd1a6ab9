import math

import pytest
import torch

from smserve.errors import InvalidInput
from tests.training.losses.points import circle, gradient, sphere
from training.losses import DistanceWeightedMargin

pytest.importorskip("pytorch_metric_learning", reason="needs the bench extra")

LABELS = torch.tensor([0, 0, 1, 1, 2, 2])


def test_hand_computed_on_a_circle() -> None:
    # Anchors 0 and 60 degrees; the one negative, at 30 degrees, has a chord of 0.5176 to both; positives are 1 apart.
    points = circle(0, 60, 30)
    loss = DistanceWeightedMargin(margin=0.2, boundary=0.9)
    value = loss(points, torch.tensor([0, 0, 1]))
    positive, negative = 1 - 0.9 + 0.2, 0.9 - 2 * math.sin(math.radians(15)) + 0.2
    assert value.loss.item() == pytest.approx((positive + negative) / 2, abs=1e-5)
    assert value.active.tolist() == [True] * 4  # as many triplets an anchor as its class has pictures
    easy = DistanceWeightedMargin(margin=0.2, boundary=1.1)(circle(0, 60, -70), torch.tensor([0, 0, 1]))
    # From 0: positive 1 - 1.1 + 0.2 = 0.1, negative 1.1 - 1.147 + 0.2 = 0.153; from 60, -70 is too far to be drawn.
    assert easy.active.tolist() == [True, True]
    assert easy.loss.item() == pytest.approx((0.1 + 1.1 - 2 * math.sin(math.radians(35)) + 0.2) / 2, abs=1e-5)


def test_nothing_costs_beyond_the_margins() -> None:
    value = DistanceWeightedMargin(margin=0.1, boundary=0.8)(circle(0, 30, 80, 110), torch.tensor([0, 0, 1, 1]))
    # Positives 0.518 apart, under 0.7; the nearest negatives 0.845 apart, under 0.9: they cost, those farther not.
    assert 0 < value.loss.item() < 0.1
    far = DistanceWeightedMargin(margin=0.1, boundary=0.7)(circle(0, 30, 80, 110), torch.tensor([0, 0, 1, 1]))
    assert far.loss.item() == 0
    assert far.active.numel() > 0
    assert not far.active.any()


def test_draws_repeat_with_torchs_seed_and_are_draws() -> None:
    points, labels = sphere(40, 8, 0), torch.arange(40) // 4
    loss = DistanceWeightedMargin()
    torch.manual_seed(5)
    first = [loss(points, labels).loss.item() for _ in range(3)]
    torch.manual_seed(5)
    assert [loss(points, labels).loss.item() for _ in range(3)] == first
    assert len(set(first)) > 1


def test_negatives_are_drawn_by_the_inverse_of_their_density() -> None:
    # In 3 dimensions the density of distances d on a sphere is proportional to d, so the weight is 1 / d.
    angles = torch.tensor([40.0, 60.0, 80.0]).deg2rad()
    points = torch.tensor([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], *[[a.cos(), a.sin(), 0.0] for a in angles]])
    labels = torch.tensor([0, 0, 1, 2, 3])
    loss = DistanceWeightedMargin(nearest=0.1)
    torch.manual_seed(0)
    drawn = torch.zeros(5)
    for _ in range(500):
        anchor, _, negative = loss.miner(points, labels)
        drawn += torch.bincount(negative[anchor == 0], minlength=5)
    weights = 1 / (2 * (angles / 2).sin())
    assert drawn[:2].sum() == 0
    assert (drawn[2:] / drawn.sum()).tolist() == pytest.approx((weights / weights.sum()).tolist(), abs=0.04)


@pytest.mark.parametrize("classes", [None, 3])
def test_beta_is_learned(classes: int | None) -> None:
    loss = DistanceWeightedMargin(classes=classes, boundary=0.4)
    (beta,) = loss.parameters()
    assert beta.tolist() == pytest.approx([0.4] * (classes or 1))
    points = circle(0, 60, 100, 160, 200, 260)  # positives are farther apart than beta: it should grow
    value = loss(points, LABELS)
    assert value.active.all()
    assert (gradient(value.loss, beta) < 0).all()


@pytest.mark.parametrize("classes", [None, 3])
def test_nu_adds_beta_to_the_loss(classes: int | None) -> None:
    points = circle(0, 60, 100, 160, 200, 260)
    losses = []
    for nu in (0.0, 0.5):
        torch.manual_seed(0)
        value = DistanceWeightedMargin(classes=classes, boundary=0.4, nu=nu)(points, LABELS).loss
        assert value.ndim == 0
        losses.append(value.item())
    assert losses[1] > losses[0]


def test_a_label_without_a_beta_is_refused() -> None:
    with pytest.raises(InvalidInput, match="labels are 0 to 2; wanted 0 to 1") as caught:
        DistanceWeightedMargin(classes=2)(sphere(6, 2, 0), LABELS)
    assert caught.value.field == "labels"
