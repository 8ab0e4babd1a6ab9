import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from training.metrics import retrieval_figures


def by_nested_loops(embeddings: np.ndarray, labels: list[int], k: int) -> tuple[float, float]:
    """Recall@k and MAP@R, one query at a time; equal distances by index."""
    hits, precisions = [], []
    for query, label in enumerate(labels):
        others = [other for other in range(len(labels)) if other != query]
        relevant = sum(labels[other] == label for other in others)
        if relevant == 0:
            continue  # nothing right could be found
        ranked = sorted(others, key=lambda other: (-float(embeddings[query] @ embeddings[other]), other))
        hits.append(any(labels[other] == label for other in ranked[:k]))
        total, right = 0.0, 0
        for rank, other in enumerate(ranked[:relevant], start=1):
            if labels[other] == label:
                right += 1
                total += right / rank
        precisions.append(total / relevant)
    return float(np.mean(hits)), float(np.mean(precisions))


@given(labels=st.lists(st.integers(0, 3), min_size=5, max_size=25), k=st.integers(1, 9), seed=st.integers(0, 999))
@settings(max_examples=60, deadline=None)
def test_equal_nested_loops(labels: list[int], k: int, seed: int) -> None:  # five of four classes: one has a pair
    points = torch.nn.functional.normalize(
        torch.randn((len(labels), 4), generator=torch.Generator().manual_seed(seed)), dim=1
    )
    found = retrieval_figures(points, torch.tensor(labels), (k,))
    recall, map_at_r = by_nested_loops(points.double().numpy(), labels, k)
    assert found.recall[k] == pytest.approx(recall)
    assert found.map_at_r == pytest.approx(map_at_r)


def test_by_hand_on_a_circle() -> None:
    angles = torch.tensor([0.0, 20.0, 5.0, 90.0, 100.0, 112.0]).deg2rad()
    points = torch.stack([angles.cos(), angles.sin()], 1)
    labels = torch.tensor([0, 0, 1, 1, 0, 2])
    # From 0: 2 1 3 ..: right at rank 2. From 1: 2 0: rank 2. From 2: 0 1 3: rank 3. From 3: 4 5 1 2: rank 4.
    # From 4: 3 5 1: rank 3. 5 is alone in its class and no query.
    figures = retrieval_figures(points, labels, (1, 2, 3, 4))
    assert figures.recall == pytest.approx({1: 0.0, 2: 0.4, 3: 0.8, 4: 1.0})
    # R is 2, 2, 1, 1, 2: from 0 and from 1 precision 1/2 at rank 2, over R; the rest find nothing within R.
    assert figures.map_at_r == pytest.approx((0.25 + 0.25) / 5)


def test_perfect_clusters_and_a_large_k() -> None:
    points = torch.eye(3).repeat_interleave(4, 0)
    figures = retrieval_figures(points, torch.arange(3).repeat_interleave(4), (1, 50))
    assert figures.recall == {1: 1.0, 50: 1.0}
    assert figures.map_at_r == 1
