import pytest
import torch
from torch import Tensor

from smserve.errors import InvalidInput
from training.config import LossConfig
from training.losses import Objective, global_loss, multi_similarity_loss, triplet_ratio_loss


@pytest.fixture
def points() -> Tensor:
    angles = torch.tensor([0.0, 60.0, 40.0, 200.0]).deg2rad()
    return torch.stack([angles.cos(), angles.sin()], 1)


LABELS = torch.tensor([0, 0, 1, 1])


def build(config: LossConfig) -> Objective:
    return Objective(config, classes=2, dimension=2)


def quarter(points: Tensor, pairs: list[tuple[int, int]]) -> Tensor:
    """Squared distance / 4."""
    return torch.stack([(points[a] - points[b]).pow(2).sum() / 4 for a, b in pairs])


def test_triplets_are_averaged_and_the_global_loss_is_added(points: Tensor) -> None:
    triplets = torch.tensor([[0, 1, 2], [0, 1, 3]])
    value = build(LossConfig(global_weight=0.5))(points, LABELS, triplets)
    pair = triplet_ratio_loss(points, triplets).mean()
    # The pair (0, 1) occurs twice and counts once.
    spread = global_loss(quarter(points, [(0, 1)]), quarter(points, [(0, 2), (0, 3)]))
    assert value.pair.item() == pytest.approx(pair.item())
    assert value.spread.item() == pytest.approx(spread.item(), abs=1e-6)
    assert value.total.item() == pytest.approx((pair + 0.5 * spread).item())
    assert value.active.tolist() == [True, False]  # chords of 40, 60 and 160 degrees


def test_all_pairs_of_a_batch(points: Tensor) -> None:
    value = build(LossConfig(pair="multi_similarity"))(points, LABELS, None)
    spread = global_loss(
        quarter(points, [(0, 1), (2, 3)]), quarter(points, [(0, 2), (0, 3), (1, 2), (1, 3)]), margin=0.01
    )
    assert value.pair.item() == pytest.approx(multi_similarity_loss(points, LABELS).mean().item())
    assert value.spread.item() == pytest.approx(spread.item(), abs=1e-6)
    # From 0: 1 at 60 degrees, the negative 2 at 40. From 1: 0 at 60, 2 at 20. From 2: 3 at 160, 1 at 20. From 3 also.
    assert value.active.tolist() == [True, True, True, True]


def test_a_positive_pair_is_active_only_with_a_nearer_negative() -> None:
    points = torch.tensor([[1.0, 0.0], [0.8, 0.6], [-1.0, 0.0], [-0.8, 0.6]])
    value = build(LossConfig(pair="multi_similarity"))(points, LABELS, None)
    assert value.active.tolist() == [False, False, False, False]


def test_weight_zero_leaves_the_global_loss_out(points: Tensor) -> None:
    value = build(LossConfig(global_weight=0))(points, LABELS, torch.tensor([[0, 1, 2]]))
    assert value.spread.item() == 0
    assert value.total.item() == value.pair.item()


def test_the_ratio_loss_needs_triplets(points: Tensor) -> None:
    assert build(LossConfig()).needs_triplets
    assert not build(LossConfig(pair="multi_similarity")).needs_triplets
    with pytest.raises(InvalidInput, match="no triplets"):
        build(LossConfig())(points, LABELS, None)


def test_no_triplets_cost_nothing(points: Tensor) -> None:
    points.requires_grad_()
    value = build(LossConfig())(points, LABELS, torch.zeros((0, 3), dtype=torch.long))
    value.total.backward()
    assert value.total.item() == 0
    assert points.grad is not None
    assert not points.grad.any()
    assert value.active.shape == (0,)


def test_triplets_don_t_matter_to_losses_of_all_pairs(points: Tensor) -> None:
    objective = build(LossConfig(pair="multi_similarity"))
    without, given = objective(points, LABELS, None), objective(points, LABELS, torch.tensor([[0, 1, 2]]))
    assert given.total.item() == without.total.item()
    assert given.spread.item() == without.spread.item()
