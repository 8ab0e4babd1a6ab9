import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from training.neighbours.distinct import Distinct


def test_the_distinct_in_order_of_occurrence() -> None:
    vectors = np.array([[2, 0], [1, 1], [2, 0], [0, 5], [1, 1]], np.float32)
    found = Distinct.of(vectors)
    assert found.vectors.tolist() == [[2, 0], [1, 1], [0, 5]]
    assert found.vertex.tolist() == [0, 1, 0, 2, 1]


def test_zeros_of_both_signs_are_one() -> None:
    assert Distinct.of(np.array([[0.0, 1.0], [-0.0, 1.0]], np.float32)).vertex.tolist() == [0, 0]


@given(
    places=st.lists(st.integers(0, 4), min_size=2, max_size=14),
    listed=st.integers(1, 6),
    count=st.integers(1, 13),
)
@settings(max_examples=100, deadline=None)
def test_lists_equal_loops_over_members(places: list[int], listed: int, count: int) -> None:
    vectors = np.array(places, np.float32)[:, np.newaxis]
    distinct = Distinct.of(vectors)
    total, points = len(places), distinct.vectors[:, 0]
    squared = (points[distinct.vertex][:, None] - points) ** 2  # (N, V)
    vertices = np.argsort(squared, axis=1, kind="stable")[:, :listed]
    vertices[0, 1:] = -1  # a short list
    distances = np.take_along_axis(squared, np.maximum(vertices, 0), 1)
    indices, reach = distinct.lists(np.arange(total), vertices, distances, count)
    for anchor in range(total):
        members = [
            (float(distance), index)
            for vertex, distance in zip(vertices[anchor].tolist(), distances[anchor].tolist(), strict=True)
            if vertex >= 0
            for index in range(total)
            if distinct.vertex[index] == vertex
        ]
        # Two points are as far on both sides: of the vertices, those listed first fill up the places.
        expected = sorted([pair for pair in members[: count + 1] if pair[1] != anchor])[:count]
        missing = count - len(expected)
        assert indices[anchor].tolist() == [index for _, index in expected] + [-1] * missing
        assert reach[anchor].tolist() == [distance for distance, _ in expected] + [np.inf] * missing
