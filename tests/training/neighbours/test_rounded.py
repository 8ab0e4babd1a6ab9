import pytest

from tests.training.neighbours.points import about_one_direction
from training.neighbours.rounded import RoundedVectors


@pytest.mark.parametrize("spread", [0.01, 0.1, 1.0, 100.0])
@pytest.mark.parametrize("length", [0.2, 1.0, 7.0])
def test_the_bound_holds(spread: float, length: float) -> None:
    queries, gallery = about_one_direction(300, 64, spread), length * about_one_direction(400, 64, spread, seed=1)
    rounded = RoundedVectors(queries, gallery)
    products = (rounded.queries @ rounded.gallery.T).double()
    exact = queries.double() @ gallery.double().T
    allowed = rounded.error.double()[:, None] + products.abs() * 2**-8
    assert ((products - exact).abs() <= allowed).all()
    assert ((products - exact).abs() > allowed / 100).any()  # the bound is of use


@pytest.mark.parametrize("spread", [0.02, 0.3, 2.0])
@pytest.mark.parametrize("count", [1, 7])
def test_products_of_the_nearest_reach_the_cutoff(spread: float, count: int) -> None:
    queries, gallery = about_one_direction(200, 32, spread), about_one_direction(300, 32, spread, seed=1)
    rounded = RoundedVectors(queries, gallery)
    products = (rounded.queries @ rounded.gallery.T).float()
    kth = products.topk(count, dim=1).values[:, -1]
    cutoff = rounded.cutoff(kth[50:120], slice(50, 120))
    nearest = (queries.double() @ gallery.double().T)[50:120].topk(count, dim=1).indices
    assert (products[50:120].gather(1, nearest) >= cutoff[:, None]).all()
    assert (products[50:120] < cutoff[:, None]).any()
