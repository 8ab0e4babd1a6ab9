import pytest
import torch

import training.neighbours.rounded
from training.neighbours import nearest_neighbours
from training.neighbours.rounded import RoundedSearch

pytestmark = pytest.mark.skipif(
    not (torch.cpu.get_capabilities().get("avx512_bf16") or torch.cpu.get_capabilities().get("amx_bf16")),
    reason="this processor has no bfloat16 products, so the search never takes this way",
)


@pytest.fixture(autouse=True)
def _small_sets_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training.neighbours.rounded, "_FEWEST_ROWS", 1)
    monkeypatch.setattr(training.neighbours.rounded, "_LARGEST_SHARE", 1)


def points(total: int, dimension: int, spread: float, seed: int = 0) -> torch.Tensor:
    """Unit vectors about one direction; the smaller the spread, the closer together."""
    generator = torch.Generator().manual_seed(seed)
    centre = torch.nn.functional.normalize(torch.randn(dimension, generator=generator), dim=0)
    noise = torch.randn((total, dimension), generator=generator) / dimension**0.5
    return torch.nn.functional.normalize(centre + spread * noise, dim=1)


@pytest.mark.parametrize("spread", [0.01, 0.1, 1.0, 100.0])
@pytest.mark.parametrize("length", [0.2, 1.0, 7.0])
def test_the_bound_holds(spread: float, length: float) -> None:
    queries, gallery = points(300, 64, spread), length * points(400, 64, spread, seed=1)
    search = RoundedSearch(queries, gallery)
    products = (search._rounded_queries @ search._rounded_gallery.T).double()
    exact = queries.double() @ gallery.double().T
    allowed = search._error.double()[:, None] + products.abs() * 2**-8
    assert ((products - exact).abs() <= allowed).all()
    assert ((products - exact).abs() > allowed / 100).any()  # the bound is of use


@pytest.mark.parametrize("spread", [0.0, 0.02, 0.3, 2.0])  # from equal pictures, none of them proven, to far apart
@pytest.mark.parametrize("with_gallery", [False, True])
def test_answers_are_exact(spread: float, with_gallery: bool) -> None:
    queries = points(900, 32, spread)
    gallery = points(1100, 32, spread, seed=1) if with_gallery else None
    assert RoundedSearch.if_worthwhile(queries, queries if gallery is None else gallery, 4) is not None
    indices, distances = nearest_neighbours(queries, 4, gallery=gallery)
    cosines = queries.double() @ (queries if gallery is None else gallery).double().T
    if gallery is None:
        cosines.fill_diagonal_(-torch.inf)
        assert (indices != torch.arange(900)[:, None]).all()
    best = cosines.topk(4, dim=1).values
    torch.testing.assert_close(cosines.gather(1, indices), best, atol=3e-7, rtol=0)
    torch.testing.assert_close(distances.double(), 2 - 2 * best, atol=1e-6, rtol=0)
    assert all(len(set(row)) == 4 for row in indices.tolist())


def test_copies_come_by_index() -> None:
    queries = points(300, 32, 2.0).repeat(3, 1)
    indices, _ = nearest_neighbours(queries, 2)
    rows = torch.arange(900)
    first = torch.where(rows < 300, rows + 300, rows % 300)
    second = torch.where(rows < 600, rows % 300 + 600, rows % 300 + 300)
    assert torch.equal(indices, torch.stack([first, second], 1))


def test_only_where_it_is_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    few, many = torch.ones((10, 2)), torch.ones((20, 2))
    assert RoundedSearch.if_worthwhile(few, many, 20) is not None
    monkeypatch.setattr(training.neighbours.rounded, "_LARGEST_SHARE", 0.25)
    assert RoundedSearch.if_worthwhile(few, many, 5) is not None
    assert RoundedSearch.if_worthwhile(few, many, 6) is None
    monkeypatch.setattr(training.neighbours.rounded, "_FEWEST_ROWS", 15)
    assert RoundedSearch.if_worthwhile(few, many, 5) is None
    assert RoundedSearch.if_worthwhile(many, many, 5) is not None
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    assert RoundedSearch.if_worthwhile(many, many, 5) is None
