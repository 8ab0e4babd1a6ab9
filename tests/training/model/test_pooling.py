import pytest
import torch

from training.model.pooling import Pooling, PoolingKind

MAP = torch.tensor([[[[1.0, 3.0], [5.0, 7.0]], [[0.0, 0.0], [0.0, 2.0]]]])  # (1, 2, 2, 2)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("mean", [4.0, 0.5]),
        ("max", [7.0, 2.0]),
        ("both", [4.0, 0.5, 7.0, 2.0]),
        ("gem", [((1 + 27 + 125 + 343) / 4) ** (1 / 3), 2 ** (1 / 3)]),  # p = 3
    ],
)
def test_by_hand(kind: PoolingKind, expected: list[float]) -> None:
    pooling = Pooling(kind, 3.0)
    assert pooling(MAP)[0].tolist() == pytest.approx(expected, rel=1e-4)
    assert pooling.width(2) == len(expected)


def test_the_generalised_mean_lies_between_mean_and_maximum() -> None:
    values = [Pooling("gem", power)(MAP)[0, 0].item() for power in (1.0, 2.0, 5.0, 10.0)]
    assert values[0] == pytest.approx(4)
    assert values == sorted(values)
    assert values[-1] == pytest.approx(7 * 0.25**0.1, rel=0.01)


def test_the_generalised_mean_of_nothing_has_a_gradient() -> None:
    zeros = torch.zeros((1, 2, 3, 3), requires_grad=True)
    Pooling("gem", 3.0)(zeros).sum().backward()
    assert zeros.grad is not None
    assert bool(zeros.grad.isfinite().all())
