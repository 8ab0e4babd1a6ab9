import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import training.neighbours.exact
from smserve.errors import InvalidInput
from training.neighbours import nearest_neighbours
from training.neighbours.exact import neighbour_tiles


def by_brute_force(queries: np.ndarray, gallery: np.ndarray | None, count: int) -> list[list[int]]:
    """Nested loops; equal distances by index."""
    lists = []
    for query, vector in enumerate(queries):
        others = [
            (-float(vector @ other), index)
            for index, other in enumerate(queries if gallery is None else gallery)
            if gallery is not None or index != query
        ]
        lists.append([index for _, index in sorted(others)[:count]])
    return lists


def random_points(total: int, dimension: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.nn.functional.normalize(torch.randn((total, dimension), generator=generator), dim=1)


def along_axes(axes: list[int]) -> np.ndarray:
    """Return unit vectors along axes, whose products are exact, so ties are ties."""
    points = np.zeros((len(axes), 3), np.float32)
    points[np.arange(len(axes)), np.abs(axes) - 1] = np.sign(axes)
    return points


def test_points_on_a_circle() -> None:
    angles = torch.tensor([0.0, 10.0, 25.0, 180.0]).deg2rad()
    points = torch.stack([angles.cos(), angles.sin()], 1)
    indices, distances = nearest_neighbours(points, 2)
    assert indices.tolist() == [[1, 2], [0, 2], [1, 0], [2, 1]]
    assert distances[0, 0] == pytest.approx(2 - 2 * np.cos(np.deg2rad(10)), abs=1e-6)
    assert distances[3, 0] == pytest.approx(2 - 2 * np.cos(np.deg2rad(155)), abs=1e-6)


AXES = st.integers(-3, 3).filter(bool)


@pytest.mark.parametrize("tile", [2**25, 40])  # all at once; a row or two at a time
@pytest.mark.parametrize("with_gallery", [False, True])
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_equals_brute_force_with_ties(tile: int, with_gallery: bool, data: st.DataObject) -> None:
    points = along_axes(data.draw(st.lists(AXES, min_size=1, max_size=24)))
    gallery = along_axes(data.draw(st.lists(AXES, min_size=1, max_size=24))) if with_gallery else None
    count = data.draw(st.integers(1, 30))
    with pytest.MonkeyPatch.context() as patch:  # the tile is no argument: users have no use for it
        patch.setattr(training.neighbours.exact, "_TILE_ELEMENTS", tile)
        asked = None if gallery is None else torch.from_numpy(gallery)
        indices, distances = nearest_neighbours(torch.from_numpy(points), count, gallery=asked)
    assert indices.tolist() == by_brute_force(points, gallery, count)
    assert (distances.diff(dim=1) >= 0).all()


@pytest.mark.parametrize("with_gallery", [False, True])
def test_random_points_equal_brute_force(with_gallery: bool) -> None:
    points = random_points(60, 8)
    gallery = random_points(40, 8, seed=1) if with_gallery else None
    indices, _ = nearest_neighbours(points, 59, gallery=gallery)
    expected = by_brute_force(points.double().numpy(), None if gallery is None else gallery.double().numpy(), 59)
    assert indices.tolist() == expected


def test_many_equal_pictures_come_by_index() -> None:  # more than any list has places for
    points = torch.nn.functional.normalize(torch.ones((700, 4)), dim=1)
    indices, distances = nearest_neighbours(points, 5)
    assert indices[0].tolist() == [1, 2, 3, 4, 5]
    assert indices[3].tolist() == [0, 1, 2, 4, 5]
    assert indices[699].tolist() == [0, 1, 2, 3, 4]
    assert distances.max() < 1e-6


def test_tiles_are_the_whole_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    points = random_points(50, 8)
    indices, distances = nearest_neighbours(points, 7)
    monkeypatch.setattr(training.neighbours.exact, "_TILE_ELEMENTS", 50 * 12)
    tiles = list(neighbour_tiles(points, 7))
    assert [tile.start for tile in tiles] == [0, 12, 24, 36, 48]
    assert torch.equal(torch.cat([tile.indices for tile in tiles]), indices)
    torch.testing.assert_close(torch.cat([tile.distances for tile in tiles]), distances)


@pytest.mark.parametrize("rows", [0, 1])
def test_nothing_to_find(rows: int) -> None:
    indices, distances = nearest_neighbours(torch.ones((rows, 2)), 3)
    assert indices.shape == distances.shape == (rows, 0)


def test_empty_gallery() -> None:
    indices, distances = nearest_neighbours(torch.ones((2, 2)), 3, gallery=torch.ones((0, 2)))
    assert indices.shape == distances.shape == (2, 0)


def test_a_gallery_of_another_length() -> None:
    with pytest.raises(InvalidInput, match="gallery has D=3, queries have D=2") as caught:
        nearest_neighbours(torch.ones((2, 2)), 1, gallery=torch.ones((2, 3)))
    assert caught.value.field == "gallery"
