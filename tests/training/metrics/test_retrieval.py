import math
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import training.neighbours.exact
from smserve.errors import InvalidInput
from training.metrics import retrieval_figures


def by_nested_loops(
    embeddings: np.ndarray, labels: list[int], k: int, gallery: np.ndarray | None, gallery_labels: list[int]
) -> tuple[float, float, float]:
    """Recall@k, MAP@R and R-precision, one query at a time; equal distances by index."""
    hits, averages, shares = [], [], []
    asked = embeddings if gallery is None else gallery
    asked_labels = labels if gallery is None else gallery_labels
    for query, label in enumerate(labels):
        others = [other for other in range(len(asked)) if gallery is not None or other != query]
        relevant = sum(asked_labels[other] == label for other in others)
        if relevant == 0:
            continue  # nothing right could be found
        ranked = sorted(others, key=lambda other: (-float(embeddings[query] @ asked[other]), other))
        hits.append(any(asked_labels[other] == label for other in ranked[:k]))
        total, right = 0.0, 0
        for rank, other in enumerate(ranked[:relevant], start=1):
            if asked_labels[other] == label:
                right += 1
                total += right / rank
        averages.append(total / relevant)
        shares.append(right / relevant)
    return float(np.mean(hits)), float(np.mean(averages)), float(np.mean(shares))


def random_points(total: int, dimension: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.nn.functional.normalize(torch.randn((total, dimension), generator=generator), dim=1)


LABELS = st.lists(st.integers(-1, 3), min_size=6, max_size=25)  # six of five classes: one has a pair


@pytest.mark.parametrize("tile", [2**25, 60])  # all at once; a few rows at a time
@given(labels=LABELS, k=st.integers(1, 40), seed=st.integers(0, 999))
@settings(max_examples=40, deadline=None)
def test_equal_nested_loops(tile: int, labels: list[int], k: int, seed: int) -> None:
    points = random_points(len(labels), 4, seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training.neighbours.exact, "_TILE_ELEMENTS", tile)
        found = retrieval_figures(points, torch.tensor(labels), (k,))
    recall, map_at_r, r_precision = by_nested_loops(points.double().numpy(), labels, k, None, [])
    assert found.recall[k] == pytest.approx(recall)
    assert found.map_at_r == pytest.approx(map_at_r)
    assert found.r_precision == pytest.approx(r_precision)


@given(labels=LABELS, gallery_labels=LABELS, k=st.integers(1, 40), seed=st.integers(0, 999))
@settings(max_examples=40, deadline=None)
def test_a_gallery_equals_nested_loops(labels: list[int], gallery_labels: list[int], k: int, seed: int) -> None:
    labels = [*labels, gallery_labels[0]]  # one query at least has something to find
    points, gallery = random_points(len(labels), 4, seed), random_points(len(gallery_labels), 4, seed + 1000)
    found = retrieval_figures(
        points, torch.tensor(labels), (k,), gallery=gallery, gallery_labels=torch.tensor(gallery_labels)
    )
    recall, map_at_r, r_precision = by_nested_loops(
        points.double().numpy(), labels, k, gallery.double().numpy(), gallery_labels
    )
    assert found.recall[k] == pytest.approx(recall)
    assert found.map_at_r == pytest.approx(map_at_r)
    assert found.r_precision == pytest.approx(r_precision)


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
    assert figures.r_precision == pytest.approx((0.5 + 0.5) / 5)


def test_a_gallery_by_hand() -> None:
    angles = torch.tensor([0.0, 90.0, 50.0]).deg2rad()
    points = torch.stack([angles.cos(), angles.sin()], 1)
    asked = torch.tensor([0.0, 10.0, 80.0, 95.0]).deg2rad()
    gallery = torch.stack([asked.cos(), asked.sin()], 1)
    figures = retrieval_figures(
        points, torch.tensor([0, 1, 7]), (1, 2, 9), gallery=gallery, gallery_labels=torch.tensor([1, 0, 1, 1])
    )
    # From 0: 1 0 ..: its own one, at 10 degrees, comes second; R is 1. From 90: 1 1 0 1; R is 3. 7 is not there.
    assert figures.recall == {1: 0.5, 2: 1.0, 9: 1.0}
    assert figures.map_at_r == pytest.approx((0 + (1 + 1) / 3) / 2)
    assert figures.r_precision == pytest.approx((0 + 2 / 3) / 2)


def test_perfect_clusters_and_a_large_k() -> None:
    points = torch.eye(3).repeat_interleave(4, 0)
    figures = retrieval_figures(points, torch.arange(3).repeat_interleave(4), (1, 50))
    assert figures.recall == {1: 1.0, 50: 1.0}
    assert figures.map_at_r == figures.r_precision == 1


@pytest.mark.parametrize("with_gallery", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_equal_pytorch_metric_learning(seed: int, with_gallery: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own imports warn
        library = pytest.importorskip("pytorch_metric_learning.utils.accuracy_calculator")
    random = np.random.default_rng(seed)
    classes = random_points(80, 16, seed)
    labels = torch.from_numpy(random.integers(0, 80, 500))  # about six a class
    labels[-3:] = torch.tensor([101, 102, 102])  # one alone in its class
    noise = 1.2 * random_points(900, 16, seed + 100)
    points = torch.nn.functional.normalize(classes[labels % 80] + noise[:500], dim=1)
    asked, arguments = {}, {}
    if with_gallery:
        gallery_labels = torch.from_numpy(random.integers(5, 90, 400))  # some classes are only there, some only here
        gallery = torch.nn.functional.normalize(classes[gallery_labels % 80] + noise[500:], dim=1)
        asked = {"gallery": gallery, "gallery_labels": gallery_labels}
        arguments = {"reference": gallery, "reference_labels": gallery_labels}
    names = ("precision_at_1", "mean_average_precision_at_r", "r_precision")
    calculator = library.AccuracyCalculator(include=names, k="max_bin_count", device=torch.device("cpu"))
    expected = calculator.get_accuracy(points, labels, **arguments)
    figures = retrieval_figures(points, labels, (1,), **asked)
    assert 0.1 < figures.recall[1] < 0.9
    assert figures.recall[1] == pytest.approx(expected["precision_at_1"], abs=1e-6)
    assert figures.map_at_r == pytest.approx(expected["mean_average_precision_at_r"], abs=1e-6)
    assert figures.r_precision == pytest.approx(expected["r_precision"], abs=1e-6)


def test_nothing_to_find_is_no_number() -> None:
    alone = retrieval_figures(torch.eye(3), torch.arange(3), (1, 2))
    foreign = retrieval_figures(
        torch.eye(3), torch.arange(3), (1, 2), gallery=torch.eye(3), gallery_labels=torch.arange(3, 6)
    )
    nothing = retrieval_figures(torch.ones((0, 3)), torch.arange(0), (1, 2))
    for figures in (alone, foreign, nothing):
        assert math.isnan(figures.map_at_r)
        assert math.isnan(figures.r_precision)
        assert [k for k, recall in figures.recall.items() if math.isnan(recall)] == [1, 2]


@pytest.mark.parametrize(
    ("changed", "message", "field"),
    [
        ({"labels": torch.arange(3)}, "there are 3 labels for 4 embeddings", "labels"),
        ({"ks": (1, 0)}, "K is 0; wanted 1 or more", "ks"),
        ({"gallery": torch.eye(4)}, "the gallery's embeddings came without its labels", "gallery"),
        ({"gallery_labels": torch.arange(4)}, "the gallery's labels came without its embeddings", "gallery"),
        (
            {"gallery": torch.eye(4), "gallery_labels": torch.arange(5)},
            "there are 5 labels for 4 embeddings of the gallery",
            "gallery_labels",
        ),
        (
            {"gallery": torch.eye(3), "gallery_labels": torch.zeros(3).long()},
            "gallery has D=3, queries have",
            "gallery",
        ),
    ],
)
def test_bad_input(changed: dict[str, Any], message: str, field: str) -> None:
    arguments: dict[str, Any] = {"embeddings": torch.eye(4), "labels": torch.arange(4) // 2, "ks": (1,), **changed}
    with pytest.raises(InvalidInput, match=message) as caught:
        retrieval_figures(**arguments)
    assert caught.value.field == field
