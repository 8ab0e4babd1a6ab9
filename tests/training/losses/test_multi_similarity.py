import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.losses.points import gradient, sphere
from training.losses import MultiSimilarity, multi_similarity_loss


def by_nested_loops(embeddings: np.ndarray, labels: list[int]) -> list[float]:
    """Wang et al., equations 7 to 9, pair by pair."""
    losses = []
    count = len(labels)
    for anchor in range(count):
        cosine = [float(embeddings[anchor] @ embeddings[other]) for other in range(count)]
        positives = [other for other in range(count) if other != anchor and labels[other] == labels[anchor]]
        negatives = [other for other in range(count) if labels[other] != labels[anchor]]
        hard_negatives = [
            other for other in negatives if positives and cosine[other] + 0.1 > min(cosine[each] for each in positives)
        ]
        hard_positives = [
            other for other in positives if negatives and cosine[other] - 0.1 < max(cosine[each] for each in negatives)
        ]
        pull = math.log(1 + sum(math.exp(-2 * (cosine[other] - 0.5)) for other in hard_positives)) / 2
        push = math.log(1 + sum(math.exp(40 * (cosine[other] - 0.5)) for other in hard_negatives)) / 40
        losses.append(pull + push)
    return losses


@given(seed=st.integers(0, 1000), labels=st.lists(st.integers(0, 3), min_size=1, max_size=12))
@settings(max_examples=40, deadline=None)
def test_equals_nested_loops(seed: int, labels: list[int]) -> None:
    points = torch.randn((len(labels), 3), dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    points = torch.nn.functional.normalize(points, dim=1)
    found = multi_similarity_loss(points, torch.tensor(labels))
    assert found.tolist() == pytest.approx(by_nested_loops(points.numpy(), labels))


def test_easy_pairs_cost_nothing() -> None:
    points = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    assert multi_similarity_loss(points, torch.tensor([0, 0, 1, 1])).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2], [0]])
def test_gradients_are_finite_without_one_kind_of_pair(labels: list[int]) -> None:
    points = torch.nn.functional.normalize(torch.eye(3)[: len(labels)] + 0.1, dim=1).requires_grad_()
    multi_similarity_loss(points, torch.tensor(labels)).sum().backward()  # type: ignore[no-untyped-call] # torch ships no type for it
    assert points.grad is not None
    assert torch.isfinite(points.grad).all()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("beta", [40.0, 300.0])  # exp(300 * 0.5) is no float32
def test_equals_pytorch_metric_learning(seed: int, beta: float) -> None:
    library = pytest.importorskip("pytorch_metric_learning.losses", reason="needs the bench extra")
    miner = pytest.importorskip("pytorch_metric_learning.miners").MultiSimilarityMiner(epsilon=0.1)
    leaf = sphere(24, 4, seed).requires_grad_()
    points = torch.nn.functional.normalize(leaf, dim=1)  # as they do once more
    labels = torch.arange(24) // 4
    theirs = library.MultiSimilarityLoss(alpha=2, beta=beta, base=0.5)(points, labels, miner(points, labels))
    ours = multi_similarity_loss(points, labels, beta=beta).mean()
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-5)
    assert torch.allclose(gradient(ours, leaf), gradient(theirs, leaf), atol=1e-6)
    assert MultiSimilarity(beta=beta)(points, labels).loss.item() == ours.item()
