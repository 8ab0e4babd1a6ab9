import math

import pytest
import torch
from torch import Tensor

from smserve.errors import InvalidInput
from tests.training.losses.points import circle, gradient, sphere
from training.losses import ProxyAnchor

pytest.importorskip("pytorch_metric_learning", reason="needs the bench extra")


def by_nested_loops(points: Tensor, labels: list[int], proxies: Tensor, alpha: float, delta: float) -> float:
    """Kim et al., equation 4, proxy by proxy."""
    unit = proxies / proxies.norm(dim=1, keepdim=True)
    pull = push = 0.0
    for proxy, direction in enumerate(unit):
        cosines = [float(point @ direction) for point in points]
        own = [math.exp(-alpha * (s - delta)) for s, label in zip(cosines, labels, strict=True) if label == proxy]
        other = [math.exp(alpha * (s + delta)) for s, label in zip(cosines, labels, strict=True) if label != proxy]
        pull += math.log(1 + sum(own))
        push += math.log(1 + sum(other))
    return pull / len(set(labels)) + push / len(unit)


@pytest.mark.parametrize(("alpha", "delta"), [(32.0, 0.1), (4.0, 0.3)])
def test_equals_nested_loops(alpha: float, delta: float) -> None:
    labels = [0, 0, 1, 4, 4, 4, 2, 1]  # class 3 is not in the batch
    points = sphere(8, 5, 1)
    torch.manual_seed(0)
    loss = ProxyAnchor(classes=5, dimension=5, alpha=alpha, delta=delta)
    (proxies,) = loss.parameters()
    assert proxies.shape == (5, 5)
    value = loss(points, torch.tensor(labels))
    assert value.loss.item() == pytest.approx(by_nested_loops(points, labels, proxies.detach(), alpha, delta), rel=1e-5)


def test_active_are_pictures_nearer_to_another_proxy() -> None:
    loss = ProxyAnchor(classes=2, dimension=2)
    with torch.no_grad():
        loss.loss.proxies.copy_(3 * circle(0, 90))
    value = loss(circle(10, 50, 100, 40), torch.tensor([0, 0, 1, 1]))
    assert value.active.tolist() == [False, True, False, True]


def test_proxies_learn_and_are_drawn_by_torchs_seed() -> None:
    torch.manual_seed(3)
    loss = ProxyAnchor(classes=3, dimension=4)
    torch.manual_seed(3)
    again = ProxyAnchor(classes=3, dimension=4)
    assert torch.equal(loss.loss.proxies, again.loss.proxies)
    value = loss(sphere(6, 4, 0), torch.tensor([0, 0, 1, 1, 2, 2]))
    assert gradient(value.loss, loss.loss.proxies).abs().sum() > 0


@pytest.mark.parametrize("labels", [[0, 3], [-1, 0]])
def test_a_label_without_a_proxy_is_refused(labels: list[int]) -> None:
    with pytest.raises(InvalidInput, match="wanted 0 to 2") as caught:
        ProxyAnchor(classes=3, dimension=4)(sphere(2, 4, 0), torch.tensor(labels))
    assert caught.value.field == "labels"
