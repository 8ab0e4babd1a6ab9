import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from training.neighbours.pairs import MOST_PICTURES, pack, packed_row, unpack

PICTURES = st.integers(0, MOST_PICTURES - 1)
COSINES = st.floats(2**-20, 1.0, width=32)


@given(pairs=st.lists(st.tuples(PICTURES, COSINES, PICTURES), min_size=1, max_size=30))
def test_packed_pairs_sort_by_row_then_value_then_column(pairs: list[tuple[int, float, int]]) -> None:
    rows, cosines, columns = (np.array(part) for part in zip(*pairs, strict=True))
    values = torch.from_numpy(cosines.astype(np.float32)).bfloat16()
    packed = pack(rows, values.view(torch.int16).numpy(), columns)
    expected = sorted(
        zip(rows.tolist(), values.float().tolist(), columns.tolist(), strict=True), key=lambda p: (p[0], -p[1], p[2])
    )
    packed.sort()
    found_rows, found_values, found_columns = unpack(packed)
    assert list(zip(found_rows.tolist(), found_values.tolist(), found_columns.tolist(), strict=True)) == expected


@given(row=st.integers(1, MOST_PICTURES - 1), value=st.sampled_from([1, 2**15 - 1]), column=PICTURES)
def test_a_rows_pairs_lie_between_it_and_the_next(row: int, value: int, column: int) -> None:
    packed = pack(np.array([row]), np.array([value], np.int16), np.array([column]))
    assert packed_row(np.array([row])) <= packed
    assert packed < packed_row(np.array([row + 1]))
