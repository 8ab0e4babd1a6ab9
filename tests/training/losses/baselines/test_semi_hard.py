import pytest
import torch
from torch import Tensor

from tests.training.losses.points import circle, sphere
from training.losses import SemiHardTriplets

pytest.importorskip("pytorch_metric_learning", reason="needs the bench extra")


def by_nested_loops(points: Tensor, labels: list[int], margin: float) -> tuple[float, list[bool]]:
    """Schroff et al., equation 4: every semi-hard triplet; and which ordered positive pairs have one."""
    costs, served = [], []
    for a, of_a in enumerate(labels):
        for p, of_p in enumerate(labels):
            if a == p or of_a != of_p:
                continue
            near = float((points[a] - points[p]).pow(2).sum())
            of_pair = []
            for n, of_n in enumerate(labels):
                far = float((points[a] - points[n]).pow(2).sum())
                if of_n != of_a and near < far < near + margin:
                    of_pair.append(near - far + margin)
            costs += of_pair
            served.append(bool(of_pair))
    return sum(costs) / max(1, len(costs)), served


@pytest.mark.parametrize("seed", range(5))
def test_equals_nested_loops(seed: int) -> None:
    points, labels = sphere(14, 4, seed), [0, 0, 0, 1, 1, 2, 2, 2, 2, 3, 4, 4, 1, 0]
    value = SemiHardTriplets(margin=0.3)(points, torch.tensor(labels))
    loss, active = by_nested_loops(points, labels, 0.3)
    assert value.loss.item() == pytest.approx(loss, abs=1e-5)
    assert value.active.tolist() == active
    assert any(active)


def test_hand_computed_on_a_circle() -> None:
    # Squared chords from 0: 60 degrees 1, 62 degrees 2 - 2 cos 62 = 1.0611, 50 degrees 0.7144.
    value = SemiHardTriplets(margin=0.2)(circle(0, 60, -62, 180), torch.tensor([0, 0, 1, 2]))
    assert value.loss.item() == pytest.approx(1 - 1.0611 + 0.2, abs=1e-4)
    assert value.active.tolist() == [True, False]  # from 60 degrees, -62 is 122 away
    hard = SemiHardTriplets(margin=0.2)(circle(0, 60, -50, 180), torch.tensor([0, 0, 1, 2]))
    assert hard.loss.item() == 0  # nearer than the positive: hard, not semi-hard
    assert hard.active.tolist() == [False, False]
