import numpy as np
import pytest
import torch
from torch import Tensor

from smserve.errors import SmserveError
from tests.training.neighbours.points import clustered
from training.neighbours import graph_neighbours, nearest_neighbours
from training.neighbours.distinct import Distinct
from training.neighbours.graph import _lists
from training.neighbours.hnsw import GraphParameters

SCANTY = GraphParameters(links=2, effort=4, candidates=2, out_degree=3)


def assert_lists_of_others(indices: Tensor, distances: Tensor, total: int, count: int) -> None:
    """Each row holds `count` other rows, each once, ascending by distance, equals by index."""
    assert indices.shape == distances.shape == (total, count)
    assert indices.dtype == torch.int64
    assert distances.dtype == torch.float32
    for own, (row, reach) in enumerate(zip(indices.tolist(), distances.tolist(), strict=True)):
        assert own not in row
        assert len(set(row)) == count
        assert all(0 <= index < total for index in row)
        assert list(zip(reach, row, strict=True)) == sorted(zip(reach, row, strict=True))


def test_the_lists_are_nearly_those_of_exact_search() -> None:
    points, labels = clustered(1_500)
    indices, distances, figures = graph_neighbours(points, 40, seed=0, labels=labels)
    assert_lists_of_others(indices, distances, 1_500, 40)
    exact, exact_distances = nearest_neighbours(points, 40)
    assert figures.reached
    assert figures.builds >= 1
    assert figures.walk_success >= 0.98
    assert 5 < figures.out_degree <= 40 * 1.5 ** (figures.builds - 1)
    assert figures.seconds > 0
    assert float((indices == exact).float().mean()) > 0.98
    assert figures.recall == pytest.approx(1, abs=0.01)
    assert float((distances - exact_distances).abs().median()) < 1e-6
    assert figures.recall_at_1 == pytest.approx(float((labels[indices[:, 0]] == labels).float().mean()), abs=0.04)
    assert figures.recall_at_1 == pytest.approx(figures.recall_at_1_exact, abs=0.01)


def test_recall_is_the_share_of_the_exact_lists() -> None:
    points, _ = clustered(800)
    indices, _, figures = graph_neighbours(points, 20, seed=0, wanted_success=0, first=SCANTY)
    exact, _ = nearest_neighbours(points, 20)
    shares = [len(set(row) & set(wanted)) / 20 for row, wanted in zip(indices.tolist(), exact.tolist(), strict=True)]
    assert figures.builds == 1
    assert figures.recall < 0.999
    assert figures.recall == pytest.approx(np.mean(shares), abs=1e-3)  # all 800 are in the sample


def test_it_is_built_again_until_enough_walks_arrive() -> None:
    points, _ = clustered(800)
    _, _, once = graph_neighbours(points, 10, seed=0, wanted_success=0, first=SCANTY)
    _, _, grown = graph_neighbours(points, 10, seed=0, wanted_success=0.98, first=SCANTY, max_builds=12)
    assert once.walk_success < 0.9
    assert once.reached
    assert 1 < grown.builds <= 12
    assert grown.walk_success >= 0.98
    assert grown.out_degree > once.out_degree


def test_where_too_few_walks_arrive_the_lists_are_exact() -> None:
    points, labels = clustered(800)
    indices, distances, figures = graph_neighbours(points, 10, seed=0, first=SCANTY, max_builds=2, labels=labels)
    exact, exact_distances = nearest_neighbours(points, 10)
    assert not figures.reached
    assert figures.builds == 2
    assert figures.walk_success < 0.98
    assert torch.equal(indices, exact)
    assert torch.equal(distances, exact_distances)
    assert figures.recall == 1
    assert figures.recall_at_1 == figures.recall_at_1_exact


def test_the_same_seed_gives_the_same() -> None:
    points, labels = clustered(600)
    first, second, other = (graph_neighbours(points, 10, seed=seed, labels=labels) for seed in (1, 1, 2))
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])
    assert first[2].walk_success == second[2].walk_success
    assert first[2].recall == second[2].recall
    assert other[2].builds >= 1


@pytest.mark.parametrize("total", [0, 1, 2, 3, 20, 256, 257, 300])
def test_few_points(total: int) -> None:
    points, labels = clustered(total)
    indices, distances, figures = graph_neighbours(points, 40, seed=0, labels=labels)
    count = max(0, min(40, total - 1))
    assert_lists_of_others(indices, distances, total, count)
    assert figures.recall == pytest.approx(1, abs=0.01)
    assert figures.reached
    assert (figures.builds == 0) == (total <= 256)
    if total <= 256:
        assert torch.equal(indices, nearest_neighbours(points, 40)[0])
        assert figures.out_degree == max(0, total - 1)
        assert figures.walk_success == 1


def test_more_asked_for_than_there_is() -> None:
    points, _ = clustered(300)
    indices, distances, figures = graph_neighbours(points, 1_000, seed=0)
    assert_lists_of_others(indices, distances, 300, 299)
    assert figures.recall == 1


def test_collapsed_embeddings() -> None:
    points = clustered(1)[0].repeat(700, 1)
    indices, distances, figures = graph_neighbours(points, 5, seed=0, labels=torch.arange(700) % 2)
    assert_lists_of_others(indices, distances, 700, 5)
    assert indices[0].tolist() == [1, 2, 3, 4, 5]
    assert indices[699].tolist() == [0, 1, 2, 3, 4]
    assert float(distances.abs().max()) == 0
    assert figures.recall == 1
    assert figures.reached


def test_duplicates_are_each_others_nearest() -> None:
    points, _ = clustered(400)
    points = torch.cat([points, points, points[:1].repeat(60, 1)])  # each twice, and the first 62 times
    indices, distances, figures = graph_neighbours(points, 30, seed=0)
    assert_lists_of_others(indices, distances, 860, 30)
    assert figures.reached
    assert figures.recall == pytest.approx(1, abs=0.01)
    assert indices[5, 0] == 405
    assert float(distances[5, 0]) == 0
    assert float(distances[5, 1]) > 0
    assert indices[0].tolist() == [400, *range(800, 829)]


def test_knots_that_no_path_connects() -> None:
    # A tight knot of 400, and 20 points near the opposite pole: longer lists than theirs have to cross over.
    random = np.random.default_rng(0)
    points = np.concatenate([random.normal(0, 0.01, (400, 6)), random.normal(0, 0.01, (20, 6))]).astype(np.float32)
    points[:400, 0] += 1
    points[400:, 0] -= 1
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    indices, distances, figures = graph_neighbours(torch.from_numpy(points), 60, seed=0)
    assert_lists_of_others(indices, distances, 420, 60)
    assert figures.recall == pytest.approx(1, abs=0.02)


class Lame:
    """A graph in which every third vertex has no edges."""

    def __init__(self, points: Tensor) -> None:
        self._order = torch.cdist(points, points).argsort(dim=1, stable=True).numpy()
        self._squared = np.take_along_axis((2 - 2 * points @ points.T).numpy(), self._order, 1)

    def nearest(self, vertices: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        found = self._order[vertices, :count].copy()
        found[vertices % 3 == 0, 1:] = -1
        return found, self._squared[vertices, :count]


def test_lists_that_come_back_short_are_made_up_by_exact_search() -> None:
    points, _ = clustered(90)
    indices, distances = _lists(Lame(points), Distinct.of(points.numpy()), points, 8)
    exact, exact_distances = nearest_neighbours(points, 8)
    assert torch.equal(indices, exact)
    assert torch.allclose(distances, exact_distances, atol=1e-5)


def test_embeddings_that_are_not_numbers_are_refused() -> None:
    points, _ = clustered(300)
    points[3, 1] = torch.nan
    with pytest.raises(SmserveError, match=r"not numbers.*lower the learning rate"):
        graph_neighbours(points, 5, seed=0)


@pytest.mark.parametrize(
    "setting", [{"wanted_success": 1.1}, {"wanted_success": -0.1}, {"walks": 0}, {"max_builds": 0}]
)
def test_settings_out_of_range_are_refused(setting: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=rf"{next(iter(setting))}.*got .*{next(iter(setting.values()))}"):
        graph_neighbours(clustered(3)[0], 1, seed=0, **setting)  # type: ignore[arg-type] # one of several kinds


def test_gradients_do_not_matter() -> None:
    points, _ = clustered(10)
    indices, _, _ = graph_neighbours(points.clone().requires_grad_(), 2, seed=0)
    assert torch.equal(indices, nearest_neighbours(points, 2)[0])
