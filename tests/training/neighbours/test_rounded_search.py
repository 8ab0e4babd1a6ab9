import pytest
import torch
from torch import Tensor

import training.neighbours.exact
import training.neighbours.rounded_search
from tests.training.neighbours.points import about_one_direction
from training.neighbours import nearest_neighbours
from training.neighbours.rounded_search import RoundedSearch

pytestmark = pytest.mark.skipif(
    not (torch.cpu.get_capabilities().get("avx512_bf16") or torch.cpu.get_capabilities().get("amx_bf16")),
    reason="this processor has no bfloat16 products, so the search never takes this way",
)


@pytest.fixture(autouse=True)
def _small_sets_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training.neighbours.rounded_search, "_FEWEST_ROWS", 1)
    monkeypatch.setattr(training.neighbours.rounded_search, "_LARGEST_SHARE", 1)
    monkeypatch.setattr(training.neighbours.exact, "_TILE_ELEMENTS", 130 * 1000)  # a tile has about 130 rows


def assert_nearest(queries: Tensor, gallery: Tensor | None, indices: Tensor, distances: Tensor) -> None:
    cosines = queries.double() @ (queries if gallery is None else gallery).double().T
    if gallery is None:
        cosines.fill_diagonal_(-torch.inf)
        assert (indices != torch.arange(len(queries))[:, None]).all()
    best = cosines.topk(indices.shape[1], dim=1).values
    torch.testing.assert_close(cosines.gather(1, indices), best, atol=6e-7, rtol=0)
    torch.testing.assert_close(distances.double(), 2 - 2 * best, atol=1e-6, rtol=0)
    assert all(len(set(row)) == indices.shape[1] for row in indices.tolist())


@pytest.mark.parametrize("spread", [0.0, 0.02, 0.3, 2.0])  # from equal pictures, none of them proven, to far apart
@pytest.mark.parametrize("count", [1, 4, 60])
@pytest.mark.parametrize("with_gallery", [False, True])
def test_answers_are_exact(spread: float, count: int, with_gallery: bool) -> None:
    queries = about_one_direction(900, 32, spread)
    gallery = about_one_direction(1100, 32, spread, seed=1) if with_gallery else None
    indices, distances = nearest_neighbours(queries, count, gallery=gallery)
    assert indices.shape == (900, count)
    assert_nearest(queries, gallery, indices, distances)


@pytest.mark.parametrize("limit", ["_MOST_PAIRS", "_MOST_TILES"])
def test_without_room_for_the_pairs_of_all(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training.neighbours.rounded_search, limit, 1)
    queries = about_one_direction(900, 32, 2.0)
    assert RoundedSearch(queries, queries, 4, 130)._pairs is None
    assert_nearest(queries, None, *nearest_neighbours(queries, 4))


def test_pairs_that_turn_out_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    queries = about_one_direction(900, 32, 2.0)
    search = RoundedSearch(queries, queries, 4, 130)
    assert search._pairs is not None
    expected = 900 * search._sample_rank * training.neighbours.rounded_search._SAMPLED_SHARE
    monkeypatch.setattr(training.neighbours.rounded_search, "_MOST_PAIRS", expected)
    monkeypatch.setattr(RoundedSearch, "_expected", lambda _, queries: queries)  # fewer than any tile has
    assert RoundedSearch(queries, queries, 4, 130)._pairs is None
    assert_nearest(queries, None, *nearest_neighbours(queries, 4))


@pytest.mark.parametrize("with_gallery", [False, True])
def test_most_are_proven_where_pictures_are_apart(with_gallery: bool) -> None:
    queries = about_one_direction(900, 32, 5.0)
    gallery = about_one_direction(1100, 32, 5.0, seed=1) if with_gallery else queries
    search = RoundedSearch(queries, gallery, 4, 130)
    proven = torch.cat([search.find(start)[2] for start in range(0, 900, 130)])
    assert proven.float().mean() > 0.95


def test_copies_come_by_index() -> None:
    queries = about_one_direction(300, 32, 2.0).repeat(3, 1)
    indices, _ = nearest_neighbours(queries, 2)
    rows = torch.arange(900)
    first = torch.where(rows < 300, rows + 300, rows % 300)
    second = torch.where(rows < 600, rows % 300 + 600, rows % 300 + 300)
    assert torch.equal(indices, torch.stack([first, second], 1))


def test_only_where_it_is_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    few, many = torch.ones((10, 2)), torch.ones((20, 2))
    assert RoundedSearch.if_worthwhile(few, many, 20, 4) is not None
    monkeypatch.setattr(training.neighbours.rounded_search, "_LARGEST_SHARE", 0.25)
    assert RoundedSearch.if_worthwhile(few, many, 5, 4) is not None
    assert RoundedSearch.if_worthwhile(few, many, 6, 4) is None
    assert RoundedSearch.if_worthwhile(few, many, 0, 4) is None
    monkeypatch.setattr(training.neighbours.rounded_search, "_FEWEST_ROWS", 15)
    assert RoundedSearch.if_worthwhile(few, many, 5, 4) is None
    assert RoundedSearch.if_worthwhile(many, many, 5, 4) is not None
    monkeypatch.setattr(training.neighbours.rounded_search, "MOST_PICTURES", 19)
    assert RoundedSearch.if_worthwhile(many, many, 5, 4) is None
    monkeypatch.setattr(training.neighbours.rounded_search, "MOST_PICTURES", 20)
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    assert RoundedSearch.if_worthwhile(many, many, 5, 4) is None
