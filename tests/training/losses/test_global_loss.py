import numpy as np
import pytest
import torch

from training.losses import global_loss


def test_hand_computed() -> None:
    positive, negative = torch.tensor([0.1, 0.3]), torch.tensor([0.2, 0.2, 0.5])
    # means 0.2 and 0.3, variances 0.01 and 0.02 (biased); 0.2 - 0.3 + 0.01 < 0
    assert global_loss(positive, negative, margin=0.01).item() == pytest.approx(0.03)
    assert global_loss(positive, negative, margin=0.4, weight=0.8).item() == pytest.approx(0.03 + 0.8 * 0.3)


def test_equals_numpy_on_random_distances() -> None:
    random = np.random.default_rng(0)
    positive, negative = random.random(40), random.random(60)
    gap = max(0, positive.mean() - negative.mean() + 0.5)
    expected = np.var(positive) + np.var(negative) + 0.8 * gap
    found = global_loss(torch.from_numpy(positive), torch.from_numpy(negative), margin=0.5)
    assert found.item() == pytest.approx(expected)


def test_one_pair_of_each_kind_has_no_variance() -> None:
    assert global_loss(torch.tensor([0.1]), torch.tensor([0.9])).item() == 0


def test_the_gradient_narrows_and_separates() -> None:
    positive = torch.tensor([0.2, 0.6], requires_grad=True)
    negative = torch.tensor([0.3, 0.5], requires_grad=True)
    global_loss(positive, negative, margin=0.01).backward()  # type: ignore[no-untyped-call] # torch ships no type for it
    assert positive.grad is not None
    assert negative.grad is not None
    assert positive.grad[1] > 0  # the far positive pair is drawn together
    assert negative.grad[0] < 0  # the near negative pair is pushed apart


@pytest.mark.parametrize(("positives", "negatives"), [(0, 3), (3, 0), (0, 0)])
def test_without_one_kind_of_pair_there_is_nothing_to_compare(positives: int, negatives: int) -> None:
    distances = torch.rand(positives + negatives, generator=torch.Generator().manual_seed(0)).requires_grad_()
    loss = global_loss(distances[:positives], distances[positives:], margin=0.5)
    loss.backward()  # type: ignore[no-untyped-call] # torch ships no type for it
    assert loss.item() == 0
    assert distances.grad is not None
    assert not distances.grad.any()
