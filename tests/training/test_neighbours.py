import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import training.neighbours
from training.neighbours import nearest_neighbours


def by_brute_force(embeddings: np.ndarray, count: int) -> list[list[int]]:
    """Nested loops; equal distances by index."""
    lists = []
    for query, vector in enumerate(embeddings):
        others = [(-float(vector @ other), index) for index, other in enumerate(embeddings) if index != query]
        lists.append([index for _, index in sorted(others)[:count]])
    return lists


def test_points_on_a_circle() -> None:
    angles = torch.tensor([0.0, 10.0, 25.0, 180.0]).deg2rad()
    points = torch.stack([angles.cos(), angles.sin()], 1)
    indices, distances = nearest_neighbours(points, 2)
    assert indices.tolist() == [[1, 2], [0, 2], [1, 0], [2, 1]]
    assert distances[0, 0] == pytest.approx(2 - 2 * np.cos(np.deg2rad(10)), abs=1e-6)
    assert distances[3, 0] == pytest.approx(2 - 2 * np.cos(np.deg2rad(155)), abs=1e-6)


@pytest.mark.parametrize("tile", [2**25, 40])  # all at once; a row or two at a time
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_equals_brute_force_with_ties(tile: int, data: st.DataObject) -> None:
    # Unit vectors along axes: their products are exact, so ties are ties.
    axes = data.draw(st.lists(st.integers(-3, 3).filter(bool), min_size=1, max_size=24))
    count = data.draw(st.integers(1, 30))
    points = np.zeros((len(axes), 3), np.float32)
    points[np.arange(len(axes)), np.abs(axes) - 1] = np.sign(axes)
    with pytest.MonkeyPatch.context() as patch:  # the tile is no argument: users have no use for it
        patch.setattr(training.neighbours, "_TILE_ELEMENTS", tile)
        indices, distances = nearest_neighbours(torch.from_numpy(points), count)
    assert indices.tolist() == by_brute_force(points, count)
    assert (distances.diff(dim=1) >= 0).all()


def test_random_points_equal_brute_force() -> None:
    points = torch.nn.functional.normalize(torch.randn((60, 8), generator=torch.Generator().manual_seed(0)), dim=1)
    indices, _ = nearest_neighbours(points, 59)
    assert indices.tolist() == by_brute_force(points.double().numpy(), 59)


@pytest.mark.parametrize("rows", [0, 1])
def test_nothing_to_find(rows: int) -> None:
    indices, distances = nearest_neighbours(torch.ones((rows, 2)), 3)
    assert indices.shape == distances.shape == (rows, 0)
