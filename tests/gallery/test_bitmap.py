"""A bitmap is a set of positions: compared with Python's own sets."""

import numpy as np
import pytest

from smserve.gallery.bitmap import Bitmap


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 64, 1001])
def test_it_is_a_set(size: int) -> None:
    random = np.random.default_rng(size)
    first, second = (np.flatnonzero(random.random(size) < share) for share in (0.7, 0.3))
    bitmap, other = Bitmap.of(first, size), Bitmap.of(second, size)
    assert bitmap.positions().tolist() == first.tolist()
    assert bitmap.count() == len(first)
    assert len(bitmap.packed) == -(-size // 8)
    assert (bitmap & other).positions().tolist() == sorted({*first.tolist()} & {*second.tolist()})
    assert bitmap.without(second).positions().tolist() == sorted({*first.tolist()} - {*second.tolist()})
    assert bitmap.positions().tolist() == first.tolist()  # itself it never changes
    everywhere = np.arange(size)
    assert bitmap.contains(everywhere).tolist() == [position in {*first.tolist()} for position in range(size)]
    np.testing.assert_array_equal(Bitmap.from_booleans(bitmap.booleans()).packed, bitmap.packed)


def test_positions_may_come_twice_and_in_any_order() -> None:
    bitmap = Bitmap.of(np.array([5, 1, 5, 3]), 8)
    assert bitmap.positions().tolist() == [1, 3, 5]
    assert bitmap.without(np.array([3, 3, 2])).positions().tolist() == [1, 5]
