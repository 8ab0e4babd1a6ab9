"""Pairs of a query and a picture with their rounded cosine, each packed into one integer.

In order, the integers go by query, then by cosine from the largest, then by picture: one sort of plain integers, a few
times as fast as a sort by three keys, ranks what every query found.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOST_PICTURES", "Integers", "pack", "packed_row", "unpack"]

Integers = NDArray[np.int64]

_COLUMN_BITS, _VALUE_BITS = 24, 16
_LARGEST_VALUE = 2**15 - 1
MOST_PICTURES = 2**23 - 1  # a row has the bits that are left, less the sign; the one behind the last must fit, too


def pack(rows: Integers, values: NDArray[np.int16], columns: Integers) -> Integers:
    """Pack pairs; rows and columns below `MOST_PICTURES`.

    Args:
        rows: (P,) queries.
        values: (P,) the bits of positive bfloat16 numbers, which are in the order of the numbers.
        columns: (P,) pictures.
    """
    falling = _LARGEST_VALUE - values.astype(np.int64)
    packed: Integers = packed_row(rows) | (falling << _COLUMN_BITS) | columns
    return packed


def packed_row(rows: Integers) -> Integers:
    """Return the integer that every pair of a row is no smaller than, and every pair of an earlier row is below."""
    return rows << (_COLUMN_BITS + _VALUE_BITS)


def unpack(packed: Integers) -> tuple[Integers, NDArray[np.float32], Integers]:
    """Return rows, values as numbers, and columns, each (P,)."""
    falling = (packed >> _COLUMN_BITS) & (2**_VALUE_BITS - 1)
    bits = (_LARGEST_VALUE - falling).astype(np.uint32) << 16  # bfloat16 is float32's upper half
    return packed >> (_COLUMN_BITS + _VALUE_BITS), bits.view(np.float32), packed & (2**_COLUMN_BITS - 1)
