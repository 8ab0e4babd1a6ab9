import numpy as np
import pytest
import torch

from training.neighbours.shortlist import break_ties, largest, shortlist


def by_sorting(values: torch.Tensor, count: int) -> tuple[list[list[float]], list[list[int]]]:
    """Each row sorted whole: by value, descending, then by column."""
    columns = [sorted(range(len(row)), key=lambda column: (-row[column], column))[:count] for row in values.tolist()]
    rows = values.tolist()
    return [[row[c] for c in found] for row, found in zip(rows, columns, strict=True)], columns


@pytest.mark.parametrize("different", [2, 50, 3000])  # values that occur: the fewer, the more ties
@pytest.mark.parametrize(("total", "count"), [(5, 1), (5, 5), (333, 1), (1201, 3), (1201, 40), (1201, 1201)])
def test_largest_equals_sorting(total: int, count: int, different: int) -> None:
    values = torch.from_numpy(np.random.default_rng(total).integers(0, different, (7, total)).astype(np.float32))
    found, columns = largest(values - different // 2, count)
    expected, expected_columns = by_sorting(values - different // 2, count)
    assert columns.tolist() == expected_columns
    assert found.tolist() == expected


def test_largest_leaves_out_what_is_not_a_number() -> None:
    values = torch.full((1, 500), 0.5)
    values[0, [3, 7]] = torch.nan
    found, columns = largest(values, 5)
    assert columns.tolist() == [[0, 1, 2, 4, 5]]
    assert found.tolist() == [[0.5] * 5]


@pytest.mark.parametrize("total", [90, 1201])
def test_shortlist_holds_all_that_equal_the_last(total: int) -> None:
    values = torch.randint(total // 5, (50, total), generator=torch.Generator().manual_seed(total)).float()
    found = shortlist(values, 3, 10)
    third = values.sort(dim=1, descending=True).values[:, 2]
    for row in range(50):
        reach = (values[row] >= third[row]).nonzero().squeeze(1)
        assert bool(found.complete[row]) == (len(reach) < 10)
        if found.complete[row]:
            assert set(reach.tolist()) <= set(found.columns[row].tolist())
        assert torch.equal(values[row, found.columns[row]], found.values[row])
    assert found.complete.any()
    assert not found.complete.all()


def test_shortlist_says_when_a_row_has_too_many() -> None:
    values = torch.zeros((2, 1201))
    values[0, :3] = 1
    assert shortlist(values, 3, 40).complete.tolist() == [True, False]


def test_break_ties_orders_equal_values_by_column() -> None:
    values = torch.tensor([[3.0, 2.0, 2.0, 1.0], [4.0, 3.0, 2.0, 1.0]])
    columns = torch.tensor([[5, 9, 4, 0], [3, 2, 1, 0]])
    break_ties(values, columns)
    assert columns.tolist() == [[5, 4, 9, 0], [3, 2, 1, 0]]
    assert values.tolist() == [[3, 2, 2, 1], [4, 3, 2, 1]]
