import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from training.mining import neighbour_classes


def by_nested_loops(neighbours: np.ndarray, distances: np.ndarray, labels: np.ndarray, count: int) -> list[list[int]]:
    """For each class the nearest distance to every other that its pictures list, sorted."""
    rows = []
    for own in range(labels.max() + 1):
        nearest: dict[int, float] = {}
        for picture in np.flatnonzero(labels == own):
            for other, distance in zip(neighbours[picture], distances[picture], strict=True):
                label = int(labels[other])
                if label != own:
                    nearest[label] = min(nearest.get(label, np.inf), float(distance))
        listed = [label for _, label in sorted((distance, label) for label, distance in nearest.items())][:count]
        rows.append(listed + [-1] * (count - len(listed)))
    return rows


@given(seed=st.integers(0, 10_000), classes=st.integers(1, 6), count=st.integers(1, 7), length=st.integers(1, 8))
@settings(max_examples=80, deadline=None)
def test_equals_nested_loops(seed: int, classes: int, count: int, length: int) -> None:
    random = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(classes), random.integers(0, classes, 10)])
    neighbours = random.integers(0, len(labels), (len(labels), length))
    distances = np.sort(random.integers(0, 6, (len(labels), length)), axis=1).astype(np.float32)  # with ties
    found = neighbour_classes(neighbours, distances, labels, count)
    assert found.tolist() == by_nested_loops(neighbours, distances, labels, count)


def test_by_hand() -> None:
    labels = np.array([0, 0, 1, 2])
    neighbours = np.array([[1, 3], [2, 0], [1, 3], [0, 2]])
    distances = np.array([[1, 4], [2, 3], [2, 5], [4, 5]], np.float32)
    assert neighbour_classes(neighbours, distances, labels, 2).tolist() == [[1, 2], [0, 2], [0, 1]]
