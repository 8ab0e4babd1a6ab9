import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.neighbours import walks
from training.neighbours.walks import walk, walk_success


def by_steps(vectors: np.ndarray, neighbours: np.ndarray, start: int, target: int) -> int:
    """Walk once, as the definition has it."""

    def distance(vertex: int) -> float:
        return float(sum((a - b) ** 2 for a, b in zip(vectors[vertex].tolist(), vectors[target].tolist(), strict=True)))

    at = start
    while True:
        ends = [end for end in neighbours[at].tolist() if end >= 0]
        nearest = min(ends, key=distance, default=at)  # the first of equals
        if distance(nearest) >= distance(at):
            return at
        at = nearest


@given(
    seed=st.integers(0, 10_000),
    count=st.integers(2, 20),
    degree=st.integers(0, 5),
    tile=st.sampled_from([1, 40, 2**23]),
)
@settings(max_examples=100, deadline=None)
def test_equals_walks_step_by_step(seed: int, count: int, degree: int, tile: int) -> None:
    random = np.random.default_rng(seed)
    vectors = random.integers(0, 5, (count, 2)).astype(np.float32)  # with ties and identical points
    neighbours = random.integers(-1, count, (count, degree)).astype(np.int32)
    starts, targets = np.divmod(np.arange(count * count), count)  # all pairs
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(walks, "_TILE_ELEMENTS", tile)  # so that few walks take several tiles
        ends = walk(vectors, neighbours, starts, targets)
    expected = [by_steps(vectors, neighbours, *pair) for pair in zip(starts.tolist(), targets.tolist(), strict=True)]
    assert ends.tolist() == expected


LINE = np.arange(5, dtype=np.float32)[:, np.newaxis]
BOTH_WAYS = np.array([[1, -1], [0, 2], [1, 3], [2, 4], [3, -1]], np.int32)
TO_THE_RIGHT = np.array([[1], [2], [3], [4], [-1]], np.int32)


def test_on_a_line_every_walk_arrives() -> None:
    starts, targets = np.divmod(np.arange(25), 5)
    assert np.array_equal(walk(LINE, BOTH_WAYS, starts, targets), targets)
    assert walk_success(LINE, BOTH_WAYS, 200, np.random.default_rng(0)) == 1


def test_on_a_one_way_line_half_of_the_walks_arrive() -> None:
    assert walk(LINE, TO_THE_RIGHT, np.array([0, 4]), np.array([4, 0])).tolist() == [4, 4]
    success = walk_success(LINE, TO_THE_RIGHT, 4_000, np.random.default_rng(0))
    assert success == pytest.approx(0.5, abs=0.04)  # five standard errors


def test_a_walk_arrives_where_the_target_has_a_double() -> None:
    points = np.array([[0], [1], [1]], np.float32)
    edges = np.array([[1], [-1], [-1]], np.int32)
    assert walk(points, edges, np.array([0]), np.array([2])).tolist() == [1]
    # Of the six pairs four arrive: those from 0, and those between the doubles.
    assert walk_success(points, edges, 3_000, np.random.default_rng(0)) == pytest.approx(4 / 6, abs=0.04)


def test_without_edges_none_arrives() -> None:
    assert walk_success(LINE, np.empty((5, 0), np.int32), 50, np.random.default_rng(0)) == 0
