"""Sorted neighbour lists for tests."""

import numpy as np
from hypothesis import strategies as st

Lists = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Indices (N, k), squared distances (N, k), labels (N,)."""


@st.composite
def neighbour_lists(draw: st.DrawFn) -> Lists:
    """Sorted lists of points on a line with whole coordinates, so that ties occur; every class has two members."""
    classes = draw(st.integers(2, 4))
    extra = draw(st.lists(st.integers(0, classes - 1), max_size=14))
    labels = np.array([*range(classes), *range(classes), *extra])
    places = np.array(draw(st.lists(st.integers(0, 12), min_size=len(labels), max_size=len(labels))))
    squared = (places[:, None] - places[None, :]).astype(np.float32) ** 2
    length = draw(st.integers(1, len(labels) - 1))
    neighbours = np.stack(
        [[other for other in np.argsort(row, kind="stable") if other != own] for own, row in enumerate(squared)]
    )[:, :length]
    return neighbours, np.take_along_axis(squared, neighbours, 1), labels
