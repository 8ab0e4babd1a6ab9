from typing import Literal

import pytest
import torch
from torch import Tensor

from smserve.errors import InvalidInput
from tests.training.losses.points import circle, gradient, sphere
from training.losses import CrossBatchMemory, MultiSimilarity

pytest.importorskip("pytorch_metric_learning", reason="needs the bench extra")


def contrastive(points: Tensor, labels: list[int], memory: list[tuple[Tensor, int, int]], own: range) -> float:
    """Pairs of the batch with what is remembered, (embedding, label, number); number - own.start is the own one."""
    positives, negatives = [], []
    for a, of_a in enumerate(labels):
        for other, of_other, number in memory:
            cosine = float(points[a] @ other)
            if of_other != of_a:
                negatives.append(max(0.0, cosine - 0.5))
            elif number != own.start + a:
                positives.append(max(0.0, 1 - cosine))
    costs = [[cost for cost in kind if cost > 0] for kind in (positives, negatives)]
    return sum(sum(kind) / len(kind) for kind in costs if kind)


@pytest.mark.parametrize("size", [5, 8, 12, 13, 100])
def test_equals_nested_loops_over_what_is_remembered(size: int) -> None:
    loss = CrossBatchMemory(dimension=3, size=size)
    memory: list[tuple[Tensor, int, int]] = []
    random = torch.Generator().manual_seed(0)
    for step in range(12):
        points = sphere(5, 3, step)
        labels = torch.randint(0, 3, (5,), generator=random)
        own = range(5 * step, 5 * step + 5)
        memory = [*memory, *zip(points, labels.tolist(), own, strict=True)][-size:]
        value = loss(points, labels)
        assert value.loss.item() == pytest.approx(contrastive(points, labels.tolist(), memory, own), abs=1e-5)


def test_a_picture_is_not_its_own_positive_but_its_earlier_embedding_is() -> None:
    loss = CrossBatchMemory(dimension=2)
    labels = torch.tensor([0, 1])
    assert loss(circle(0, 120), labels).loss.item() == 0  # no positives; the negative's cosine is -0.5
    moved = circle(60, 180).requires_grad_()
    value = loss(moved, labels)
    # Positives: 0 -> 60 and 120 -> 180, cosine 0.5 each. Negatives: 60 and 120, cosine 0.5, cost nothing.
    assert value.loss.item() == pytest.approx(0.5, abs=1e-5)
    assert gradient(value.loss, moved).abs().sum() > 0


@pytest.mark.parametrize("kind", ["contrastive", "multi_similarity"])
def test_batches_of_one_are_not_their_own_positives(kind: Literal["contrastive", "multi_similarity"]) -> None:
    loss = CrossBatchMemory(dimension=2, loss=kind)
    for degrees in (0, 90):
        point = circle(degrees).requires_grad_()
        value = loss(point, torch.tensor([0]))
        assert value.loss.item() == 0
        assert gradient(value.loss, point).tolist() == [[0, 0]]


def test_multi_similarity_inside_is_ours_while_the_memory_holds_one_batch() -> None:
    points, labels = sphere(12, 4, 0), torch.arange(12) // 3
    value = CrossBatchMemory(dimension=4, loss="multi_similarity")(points, labels)
    ours = MultiSimilarity()(points, labels)
    assert value.loss.item() == pytest.approx(ours.loss.item(), abs=1e-6)
    assert value.active.tolist() == ours.active.tolist()


def test_nothing_is_remembered_before_the_start_or_in_eval_mode() -> None:
    loss = CrossBatchMemory(dimension=2, start=2)
    labels = torch.tensor([0, 1])
    for _ in range(2):
        loss(circle(0, 120), labels)
        assert loss.memory.queue_idx == 0
    loss.eval()(circle(0, 120), labels)
    assert loss.memory.queue_idx == 0
    loss.train()(circle(0, 120), labels)
    assert loss.memory.queue_idx == 2
    assert loss.eval()(circle(60, 180), labels).loss.item() == 0  # the memory would cost 0.5
    assert loss.memory.queue_idx == 2


@pytest.mark.parametrize("steps", [1, 3, 5])  # before the memory, filling, full
def test_a_restored_memory_goes_on_as_if_nothing_had_happened(steps: int) -> None:
    settings = {"dimension": 3, "size": 7, "start": 1}
    loss, labels = CrossBatchMemory(**settings), torch.tensor([0, 1, 2])  # type: ignore[arg-type] # whole numbers
    for step in range(steps):
        loss(sphere(3, 3, step), labels)
    restored = CrossBatchMemory(**settings)  # type: ignore[arg-type] # whole numbers
    restored.load_state_dict(loss.state_dict())
    for step in range(steps, steps + 4):
        assert restored(sphere(3, 3, step), labels).loss.item() == loss(sphere(3, 3, step), labels).loss.item()
    assert torch.equal(restored.memory.embedding_memory, loss.memory.embedding_memory)


def test_a_batch_larger_than_the_memory_is_refused() -> None:
    with pytest.raises(InvalidInput, match="holds 4 embeddings, the batch has 5") as caught:
        CrossBatchMemory(dimension=2, size=4)(sphere(5, 2, 0), torch.zeros(5, dtype=torch.long))
    assert caught.value.field == "memory_size"
