"""The largest values of wide rows, in two stages: the maxima of groups of columns, then the groups that may matter.

`topk` over 60,000 columns costs about as much as the matrix product that filled them; a maximum costs a tenth of it.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Shortlist", "break_ties", "largest", "shortlist"]

_WIDEST = 32  # columns in a group; wider ones save nothing more
_SPARE = 32  # places beyond `count` for values equal to the last one
_SLICE_ELEMENTS = 2**23  # values that the fallback for ties looks at together


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shortlist:
    """The largest values of each row.

    Attributes:
        values: (rows, W) float32, descending.
        columns: (rows, W) int64.
        complete: (rows,) whether every value of the row that equals the `count`-th largest is listed.
    """

    values: Tensor
    columns: Tensor
    complete: Tensor


def shortlist(values: Tensor, count: int, length: int) -> Shortlist:
    """List the largest values of each row, and as many that equal the `count`-th of them as there is room for.

    Args:
        values: (rows, N) float32.
        count: At least 1, at most N.
        length: How many to list; more than `count`.
    """
    total = values.shape[1]
    span = 1
    while span < _WIDEST and total // (2 * span) >= 4 * length:
        span *= 2
    groups = total // span  # group g: columns g, g + groups, g + 2 * groups, ..
    peaks = values[:, : groups * span].view(len(values), span, groups).amax(1)
    top = peaks.topk(min(length, groups), dim=1)
    members = torch.arange(span, device=values.device)[:, None] * groups
    rest = torch.arange(groups * span, total, device=values.device).expand(len(values), -1)
    columns = torch.cat([(top.indices[:, None, :] + members).flatten(1), rest], 1)
    listed = values.gather(1, columns)
    best = listed.topk(min(length, listed.shape[1]), dim=1)
    limit = best.values[:, count - 1]
    complete = torch.ones_like(limit, dtype=torch.bool)
    if length < groups:
        complete &= top.values[:, -1] < limit  # no other group reaches it
    if length < listed.shape[1]:
        complete &= best.values[:, -1] < limit
    return Shortlist(values=best.values, columns=columns.gather(1, best.indices), complete=complete)


def largest(values: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return the `count` largest values of each row, descending, and their columns; equal values by column.

    Args:
        values: (rows, N) float32.
        count: At least 1, at most N.
    """
    found = shortlist(values, count, count + _SPARE)
    top, columns = found.values, found.columns
    break_ties(top, columns)
    top, columns = top[:, :count].contiguous(), columns[:, :count].contiguous()
    crowded = (~found.complete).nonzero().squeeze(1)  # more values equal to the last one than were listed
    together = max(1, _SLICE_ELEMENTS // values.shape[1])
    for start in range(0, len(crowded), together):
        rows = crowded[start : start + together]
        top[rows], columns[rows] = _first_of_equals(values[rows], count)
    return top, columns


def break_ties(values: Tensor, columns: Tensor) -> None:
    """Put equal values of a row in the order of their columns, in place; each row of `values` descends."""
    equal = (values[:, 1:] == values[:, :-1]) & (values[:, 1:] > -torch.inf)
    tied = equal.any(1).nonzero().squeeze(1)
    if len(tied):
        values[tied], columns[tied] = _by_value_then_column(values[tied], columns[tied])


def _by_value_then_column(values: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
    by_column = columns.argsort(1)
    values, columns = values.gather(1, by_column), columns.gather(1, by_column)
    order = values.argsort(dim=1, descending=True, stable=True)
    return values.gather(1, order), columns.gather(1, order)


def _first_of_equals(values: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Do as `largest`, with a few passes over whole rows."""
    values = values.nan_to_num(nan=-torch.inf, neginf=-torch.inf)
    last = values.topk(count, dim=1).values[:, -1:]
    above, equal = values > last, values == last
    kept = above | (equal & (equal.cumsum(1) <= count - above.sum(1, keepdim=True)))
    columns = kept.nonzero()[:, 1].view(-1, count)
    return _by_value_then_column(values.gather(1, columns), columns)
