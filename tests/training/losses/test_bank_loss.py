import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.losses.points import gradient, sphere
from training.config import LossConfig
from training.losses import KeptEmbeddings, Objective, bank_loss


def by_nested_loops(batch: np.ndarray, kept: np.ndarray, labels: list[int], pictures: list[int]) -> list[float]:
    """Wang et al., CVPR 2019, equations 7 to 9, between pictures of a batch and those that are kept, but themselves."""
    losses = []
    for anchor, picture in enumerate(pictures):
        cosine = [float(batch[anchor] @ other) for other in kept]
        positives = [other for other, label in enumerate(labels) if label == labels[picture] and other != picture]
        negatives = [other for other, label in enumerate(labels) if label != labels[picture]]
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


def kept_of(points: torch.Tensor, labels: list[int]) -> KeptEmbeddings:
    return KeptEmbeddings(embeddings=points, labels=torch.tensor(labels), pictures=torch.arange(len(labels)))


@given(seed=st.integers(0, 1000), labels=st.lists(st.integers(0, 3), min_size=2, max_size=12))
@settings(max_examples=40, deadline=None)
def test_equals_nested_loops(seed: int, labels: list[int]) -> None:
    drawn = torch.randn((2 * len(labels), 3), dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    now, before = torch.nn.functional.normalize(drawn, dim=1).chunk(2)
    pictures = torch.arange(0, len(labels), 2)
    found = bank_loss(now[pictures], torch.tensor(labels)[pictures], pictures, kept_of(before, labels))
    expected = by_nested_loops(now[pictures].numpy(), before.numpy(), labels, pictures.tolist())
    assert found.tolist() == pytest.approx(expected)


def test_a_picture_is_not_its_own_positive() -> None:
    points = torch.eye(2)
    loss = bank_loss(points, torch.tensor([0, 1]), torch.tensor([0, 1]), kept_of(-points, [0, 1]))
    assert loss.tolist() == [0, 0]


def test_the_batch_learns_and_what_is_kept_does_not() -> None:
    now = sphere(4, 3, 0).requires_grad_()
    kept = sphere(6, 3, 1).requires_grad_()
    labels = torch.tensor([0, 0, 1, 1])
    objective = Objective(LossConfig(pair="multi_similarity", bank_weight=2.0), classes=2, dimension=3)
    view = kept_of(kept.detach(), [0, 0, 1, 1, 0, 1])
    value = objective(now, labels, pictures=torch.arange(4), kept=view)
    assert value.bank.item() == pytest.approx(bank_loss(now, labels, torch.arange(4), view).mean().item())
    assert value.total.item() == pytest.approx((value.pair + value.spread + 2 * value.bank).item())
    assert gradient(value.total, now).abs().sum() > 0
    assert objective(now, labels).bank.item() == 0
