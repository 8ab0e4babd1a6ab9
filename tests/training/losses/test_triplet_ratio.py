import math

import pytest
import torch
from torch import Tensor

from training.losses import triplet_ratio_loss
from training.losses.triplet_ratio import triplet_distances


def circle(*degrees: float) -> Tensor:
    angles = torch.tensor(degrees, dtype=torch.float64).deg2rad()
    return torch.stack([angles.cos(), angles.sin()], 1)


def chord(degrees: float) -> float:
    return 2 * math.sin(math.radians(degrees) / 2)


def test_hand_computed_on_a_circle() -> None:
    points = circle(0, 60, 90, 180)
    triplets = torch.tensor([[0, 1, 2], [0, 2, 1], [0, 1, 3]])
    positive, negative = triplet_distances(points, triplets)
    assert positive.tolist() == pytest.approx([1, math.sqrt(2), 1])  # chords of 60, 90 and 60 degrees
    assert negative.tolist() == pytest.approx([math.sqrt(2), 1, 2])
    expected = [0.0, 1 - 1 / (math.sqrt(2) + 0.2), 0.0]  # sqrt 2 > 1.2: nothing; 2 > 1.2: nothing
    assert triplet_ratio_loss(points, triplets, margin=0.2).tolist() == pytest.approx(expected)


@pytest.mark.parametrize(("negative", "active"), [(1.0 + 0.19, True), (1.0 + 0.21, False)])
def test_active_exactly_within_the_margin(negative: float, active: bool) -> None:
    points = circle(0, 60, math.degrees(2 * math.asin(negative / 2)))  # d(a, p) = 1
    cost = triplet_ratio_loss(points, torch.tensor([[0, 1, 2]]), margin=0.2)
    assert bool(cost > 0) is active


def test_a_negative_on_the_anchor_costs_one() -> None:
    points = circle(0, 60, 0)
    assert triplet_ratio_loss(points, torch.tensor([[0, 1, 2]])).item() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("triplet", [[0, 1, 2], [0, 2, 1], [0, 0, 0]])
def test_gradients_are_finite_where_embeddings_are_the_same(triplet: list[int]) -> None:
    points = circle(30, 30, 50).requires_grad_()
    triplet_ratio_loss(points, torch.tensor([triplet])).sum().backward()  # type: ignore[no-untyped-call] # torch ships no type for it
    assert points.grad is not None
    assert torch.isfinite(points.grad).all()


def test_a_step_downhill_moves_the_negative_away() -> None:
    points = circle(0, 60, 50).requires_grad_()
    triplets = torch.tensor([[0, 1, 2]])
    before = triplet_ratio_loss(points, triplets)
    before.sum().backward()  # type: ignore[no-untyped-call] # torch ships no type for it
    assert points.grad is not None
    after = triplet_ratio_loss(points.detach() - 0.01 * points.grad, triplets)
    assert after.item() < before.item()
    assert chord(50) < chord(60) + 0.2
