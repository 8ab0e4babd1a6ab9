"""What holds for every loss of pairs, with and without the global loss."""

import io
from typing import Any, get_args, get_type_hints

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from smserve.errors import InvalidInput
from tests.training.losses.points import gradient, sphere
from training.config import LossConfig
from training.losses import LossValue, Objective
from training.mining import all_triplets

pytest.importorskip("pytorch_metric_learning", reason="needs the bench extra")

PAIRS = get_args(get_type_hints(LossConfig)["pair"])
SETTINGS = [
    *[pytest.param({"pair": pair}, id=pair) for pair in PAIRS],
    pytest.param({"pair": "margin", "boundary_per_class": True}, id="margin, a beta a class"),
    pytest.param({"pair": "margin", "boundary_nu": 0.1}, id="margin, nu"),
    pytest.param({"pair": "cross_batch_memory", "memory_loss": "multi_similarity"}, id="memory, multi-similarity"),
    pytest.param({"pair": "cross_batch_memory", "memory_start": 3}, id="memory, start"),
]
every_loss = pytest.mark.parametrize("settings", SETTINGS)
GLOBAL = pytest.mark.parametrize("global_weight", [0.0, 1.0])


def build(settings: dict[str, Any], dimension: int = 4, global_weight: float = 1.0) -> Objective:
    torch.manual_seed(0)
    return Objective(LossConfig(global_weight=global_weight, **settings), classes=8, dimension=dimension)


def cost(objective: Objective, points: Tensor, labels: Tensor) -> LossValue:
    value: LossValue = objective(points, labels, all_triplets(labels) if objective.needs_triplets else None)
    return value


@every_loss
@GLOBAL
@pytest.mark.parametrize("labels", [[0, 0, 0, 0], [0, 1, 2, 3], [5]], ids=["no negatives", "no positives", "one"])
def test_batches_without_one_kind_of_pair(settings: dict[str, Any], labels: list[int], global_weight: float) -> None:
    objective = build(settings, global_weight=global_weight)
    points = sphere(len(labels), 4, 0).requires_grad_()
    value = cost(objective, points, torch.tensor(labels))
    found = gradient(value.total, points)
    assert torch.isfinite(value.total)
    assert torch.isfinite(found).all()
    assert value.spread.item() == 0
    assert not value.active.any() or settings["pair"] == "proxy_anchor"
    if settings["pair"] not in ("proxy_anchor", "cross_batch_memory"):  # these have partners outside the batch
        assert value.total.item() == 0 or settings.get("boundary_nu")
        assert not found.any()


@every_loss
def test_gradients_are_finite_where_embeddings_are_the_same(settings: dict[str, Any]) -> None:
    objective = build(settings)
    points = sphere(1, 4, 0).repeat(6, 1).requires_grad_()
    labels = torch.tensor([0, 0, 1, 1, 2, 2])
    for _ in range(2):
        value = cost(objective, points, labels)
        assert torch.isfinite(value.total)
        assert torch.isfinite(gradient(value.total, points)).all()


@every_loss
def test_gradients_are_finite_between_opposite_points(settings: dict[str, Any]) -> None:
    objective = build(settings)
    point = sphere(1, 4, 0)
    points = torch.cat([point, -point, point, -point]).requires_grad_()
    value = cost(objective, points, torch.tensor([0, 0, 1, 1]))
    assert torch.isfinite(gradient(value.total, points)).all()


@every_loss
@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_what_is_no_number_shows_in_the_loss(settings: dict[str, Any], wrong: float) -> None:
    points = sphere(6, 4, 0)
    points[2, 1] = wrong
    value = cost(build(settings, global_weight=0), points, torch.tensor([0, 0, 1, 1, 2, 2]))
    assert not torch.isfinite(value.total)


@every_loss
def test_descent_separates_classes(settings: dict[str, Any]) -> None:
    objective = build(settings, dimension=3)
    labels = torch.arange(12) // 3
    points = sphere(12, 3, 1).requires_grad_()
    rate = 0.02 if settings["pair"] == "proxy_anchor" else 1.0  # its slopes are steeper by alpha
    optimizer = torch.optim.SGD([points, *objective.parameters()], lr=rate)

    def margin() -> float:
        cosines = normalize(points.detach(), dim=1) @ normalize(points.detach(), dim=1).T
        same = labels[:, None] == labels[None, :]
        return float(cosines[same].mean() - cosines[~same].mean())

    before = margin()
    for _ in range(60):
        value = cost(objective, normalize(points, dim=1), labels)
        optimizer.zero_grad()
        value.total.backward()  # type: ignore[no-untyped-call] # torch ships no type for it
        optimizer.step()
    assert margin() > before + 0.3


@every_loss
def test_runs_repeat_and_go_on_from_a_checkpoint(settings: dict[str, Any]) -> None:
    def run(objective: Objective, steps: range) -> list[float]:
        labels = torch.tensor([0, 0, 1, 1, 2, 2, 3, 3])
        totals = []
        for step in steps:
            torch.manual_seed(step)
            value = cost(objective, sphere(8, 4, step), labels)
            totals.append(value.total.item())
            weights = list(objective.parameters())
            if weights:
                for weight, slope in zip(weights, torch.autograd.grad(value.total, weights), strict=True):
                    weight.data -= 0.01 * slope
        return totals

    whole = build(settings)
    totals = run(whole, range(8))
    part = build(settings)
    assert run(part, range(5)) == totals[:5]
    file = io.BytesIO()
    torch.save(part.state_dict(), file)
    file.seek(0)
    restored = build(settings)
    restored.load_state_dict(torch.load(file, weights_only=True))
    assert run(restored, range(5, 8)) == totals[5:]


@every_loss
def test_half_precision_embeddings_are_taken_as_floats(settings: dict[str, Any]) -> None:
    points, labels = sphere(8, 4, 0).half(), torch.tensor([0, 0, 1, 1, 2, 2, 3, 3])
    torch.manual_seed(1)
    half = cost(build(settings), points, labels)
    torch.manual_seed(1)
    full = cost(build(settings), points.float(), labels)
    assert half.total.dtype == torch.float32
    assert half.total.item() == full.total.item()


@every_loss
@pytest.mark.parametrize(
    ("shapes", "field"),
    [
        pytest.param(((4, 3), (4,), (1, 3)), "embeddings", id="dimension"),
        pytest.param(((4,), (4,), (1, 3)), "embeddings", id="vector"),
        pytest.param(((0, 4), (0,), (0, 3)), "embeddings", id="nothing"),
        pytest.param(((4, 4), (3,), (1, 3)), "labels", id="labels"),
        pytest.param(((4, 4), (4, 1), (1, 3)), "labels", id="labels as a column"),
        pytest.param(((4, 4), (4,), (1, 2)), "triplets", id="pairs"),
    ],
)
def test_wrong_shapes_are_refused(settings: dict[str, Any], shapes: Any, field: str) -> None:
    embeddings, labels, triplets = (torch.zeros(shape, dtype=torch.long) for shape in shapes)
    with pytest.raises(InvalidInput, match=r"shape .*; wanted") as caught:
        build(settings)(embeddings.float(), labels, triplets)
    assert caught.value.field == field


def test_what_is_learned() -> None:
    shapes = {
        pair: [tuple(weight.shape) for weight in build({"pair": pair}).parameters()]
        for pair in PAIRS
        if [*build({"pair": pair}).parameters()]
    }
    assert shapes == {"margin": [(1,)], "proxy_anchor": [(8, 4)]}
    assert [tuple(each.shape) for each in build({"pair": "margin", "boundary_per_class": True}).parameters()] == [(8,)]


@pytest.mark.parametrize(("classes", "dimension"), [(0, 4), (4, 0)])
def test_no_classes_or_dimensions_are_refused(classes: int, dimension: int) -> None:
    with pytest.raises(InvalidInput, match="wanted 1 or more"):
        Objective(LossConfig(), classes=classes, dimension=dimension)
