import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from training.mining import all_triplets


@given(st.lists(st.integers(0, 3), min_size=1, max_size=9))
def test_equals_three_nested_loops(labels: list[int]) -> None:
    places = range(len(labels))
    expected = [
        [a, p, n]
        for a in places
        for p in places
        for n in places
        if a != p and labels[a] == labels[p] and labels[a] != labels[n]
    ]
    found = all_triplets(torch.tensor(labels))
    assert found.shape == (len(expected), 3)
    assert found.tolist() == expected


@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2]])
def test_none_without_both_kinds(labels: list[int]) -> None:
    assert len(all_triplets(torch.tensor(labels))) == 0
