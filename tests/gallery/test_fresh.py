"""Fresh rows: snapshots share one matrix, and none sees what came after it."""

import numpy as np

from smserve.gallery.fresh import FreshRows
from tests.gallery.brute_force import unit_vectors

NONE = np.empty(0, np.int64)


def keys(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int64)


def test_a_snapshot_never_changes() -> None:
    vectors, rows, snapshots = unit_vectors(2000, 4), FreshRows.none(4), []
    for start in range(0, 2000, 40):
        snapshots.append(rows)
        rows, _ = rows.after(np.arange(start, start + 40), vectors[start : start + 40], NONE)
    for count, snapshot in enumerate(snapshots):
        assert snapshot.keys.tolist() == list(range(40 * count))
        np.testing.assert_array_equal(snapshot.vectors, vectors[: 40 * count])
    assert len(rows) == 2000


def test_two_heirs_of_one_snapshot_keep_apart() -> None:
    """A search that has fallen behind catches up by itself, beside the writer."""
    vectors = unit_vectors(4, 4)
    first, _ = FreshRows.none(4).after(keys(1), vectors[:1], NONE)
    one, _ = first.after(keys(2), vectors[1:2], NONE)
    other, _ = first.after(keys(3, 4), vectors[2:], NONE)
    assert (one.keys.tolist(), other.keys.tolist()) == ([1, 2], [1, 3, 4])
    np.testing.assert_array_equal(one.vectors, vectors[:2])
    np.testing.assert_array_equal(other.vectors, vectors[[0, 2, 3]])


def test_dead_rows_are_not_found() -> None:
    vectors = unit_vectors(6, 4)
    rows, died = FreshRows.none(4).after(np.arange(6), vectors, NONE)
    assert died == 0
    rows, died = rows.after(NONE, vectors[:0], keys(2, 4, 77))
    assert died == 2
    rows, died = rows.after(NONE, vectors[:0], keys(4, 5))  # 4 is dead already
    assert died == 1
    ((found, _),) = rows.search(vectors[2:3], 10)
    assert set(rows.keys[found].tolist()) == {0, 1, 3}
    selected = np.array([True, False, True, True, True, True])
    ((found, _),) = rows.search(vectors[2:3], 10, selected)
    assert set(rows.keys[found].tolist()) == {0, 3}
    assert rows.living().tolist() == [0, 1, 3]


def test_an_item_written_over_and_over_takes_no_more_room() -> None:
    vectors, rows = unit_vectors(10, 4), FreshRows.none(4)
    rows, _ = rows.after(np.arange(10), vectors, NONE)
    for number in range(10, 5000):
        rows, died = rows.after(keys(number), vectors[:1], keys(number - 1 if number > 10 else 0))
        assert died == 1
        assert len(rows.living()) == 10
    assert len(rows) <= 1024 + 10
    ((found, _),) = rows.search(vectors[:1], 1)
    assert rows.keys[found].tolist() == [4999]
