"""Few hits of each label, on rows whose key is their rank."""

import pytest

from smserve.gallery import NewItem
from smserve.gallery.row import FoundRow, row_of
from smserve.gallery.thinning import FURTHEST, Nearest, thinned
from smserve.gallery.values import PerLabel
from tests.gallery.brute_force import unit_vectors

VECTOR = unit_vectors(1, 4, seed=0)[0]


def rows_of(labels: list[str]) -> dict[int, FoundRow]:
    return {
        key: row_of(NewItem(item_id=f"i{key}", vector=VECTOR, label=label), key, 1).found()
        for key, label in enumerate(labels, 1)
    }


@pytest.mark.parametrize(
    ("labels", "top_k", "most", "wanted", "looks"),
    [
        (["a", "a", "a", "b", "c", "b"], 3, 1, [1, 4, 5], [3, 12]),
        (["a", "a", "a", "b", "c", "b"], 3, 2, [1, 2, 4], [3, 12]),
        (["a", "b", "c"], 3, 1, [1, 2, 3], [3]),
        (["", "", "a", "", "a"], 4, 1, [1, 2, 3, 4], [4]),  # no label, no limit
        (["a"] * 50 + ["b"], 2, 1, [1, 51], [2, 8, 32, 128]),
        (["a"] * 5000 + ["b"], 2, 1, [1], [2, 8, 32, 128, 512, 2048, 4096]),  # too far
        (["a"] * 5, 9, 2, [1, 2], [9]),  # there are no more
        ([], 3, 1, [], [3]),
    ],
)
def test_labels(labels: list[str], top_k: int, most: int, wanted: list[int], looks: list[int]) -> None:
    rows, asked = rows_of(labels), list[int]()

    def nearest(count: int) -> Nearest:
        asked.append(count)
        return [list(rows)[:count]], rows, set()

    assert thinned(nearest, top_k, PerLabel(most=most))[0] == [wanted]
    assert asked == looks
    assert max(asked) <= FURTHEST


def test_the_query_does_not_count() -> None:
    rows = rows_of(["a", "a", "a"])
    found = thinned(lambda count: ([list(rows)[:count]], rows, set()), 3, PerLabel(most=1, uncounted="i1"))
    assert found[0] == [[1, 2]]


def test_a_row_that_is_gone_is_told_at_once() -> None:
    rows = rows_of(["a", "a", "a"])
    del rows[1]
    kept, _, gone = thinned(lambda count: ([[1, 2, 3][:count]], rows, {1}), 2, PerLabel(most=1))
    assert (kept, gone) == ([[2]], {1})
