import pytest
import torch
from torch import Tensor

from tests.training.losses.points import circle, sphere
from training.losses import BatchHardTriplets

pytest.importorskip("pytorch_metric_learning", reason="needs the bench extra")


def by_nested_loops(points: Tensor, labels: list[int], margin: float) -> list[float]:
    """Hermans et al., equation 5, anchor by anchor."""
    costs = []
    for a, of_a in enumerate(labels):
        distances = [float((points[a] - other).norm()) for other in points]
        positives = [distances[i] for i, label in enumerate(labels) if label == of_a and i != a]
        negatives = [distances[i] for i, label in enumerate(labels) if label != of_a]
        if positives and negatives:
            costs.append(max(0.0, margin + max(positives) - min(negatives)))
    return costs


@pytest.mark.parametrize("seed", range(5))
def test_equals_nested_loops(seed: int) -> None:
    labels = [0, 0, 0, 1, 1, 2, 2, 2, 2, 3, 4, 4, 1, 0]
    points = sphere(14, 3, seed)
    points[3:6] = points[0:3] + 0.01  # some anchors cost much, some nothing
    points[11] = points[10]
    value = BatchHardTriplets(margin=0.2)(points / points.norm(dim=1, keepdim=True), torch.tensor(labels))
    costs = by_nested_loops(points / points.norm(dim=1, keepdim=True), labels, 0.2)
    assert len(costs) == 13  # class 3 has one picture
    assert value.loss.item() == pytest.approx(sum(costs) / 13, abs=1e-5)
    assert value.active.tolist() == [cost > 0 for cost in costs]


def test_hand_computed_on_a_circle() -> None:
    # Chords: 60 degrees 1, 90 degrees 1.4142, 150 degrees 1.9319, 120 degrees 1.7321.
    value = BatchHardTriplets(margin=0.5)(circle(0, 60, 150, -90), torch.tensor([0, 0, 1, 2]))
    # From 0: 0.5 + 1 - 1.4142; from 60: 0.5 + 1 - 1.4142; the others have no positive.
    assert value.loss.item() == pytest.approx(0.0858, abs=1e-4)
    assert value.active.tolist() == [True, True]
    easy = BatchHardTriplets(margin=0.4)(circle(0, 60, 150, -90), torch.tensor([0, 0, 1, 2]))
    assert easy.loss.item() == 0
    assert easy.active.tolist() == [False, False]
