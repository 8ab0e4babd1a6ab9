"""Cosines from bfloat16 products, several times as fast as float32 where the processor has them, with a proven bound.

They only rule pictures out: what may be among the nearest is looked at again in float32, so the answer is exact.
"""

from typing import Self

import torch
from torch import Tensor

from training.neighbours.shortlist import Shortlist, break_ties, shortlist

__all__ = ["RoundedSearch"]

_UNIT = 2.0**-8  # bfloat16's rounding changes a number by at most this share of it
_FLOAT_UNIT = 2.0**-24  # float32's
_FEWEST_ROWS = 4096
_LARGEST_SHARE = 1 / 200  # of a gallery; looking again at more than that costs more than float32 products of all of it
_CHUNK_PAIRS = 1024  # pairs looked at together: they should stay in the processor's cache


class RoundedSearch:
    """Searches a gallery for the nearest of queries, by rounded products and a second look.

    With x = x' + e and y = y' + f, where x' and y' are rounded, x.y - x'.y' = e.y + x'.f, which is at most
    |e||y| + |x'||f| (Cauchy-Schwarz); |e| and |f| are measured. Sums of D products in float32 are off by at most
    D 2^-24 |x||y| each, whatever their order. The product is then rounded itself, which keeps the order of numbers.
    """

    def __init__(self, queries: Tensor, gallery: Tensor) -> None:
        """Round both, (Q, D) and (K, D) float32."""
        self._queries, self._gallery = queries, gallery
        self._rounded_queries = queries.bfloat16()
        self._rounded_gallery = self._rounded_queries if queries is gallery else gallery.bfloat16()
        lost = (queries - self._rounded_queries).norm(dim=1)  # |e|, (Q,)
        lost_there = lost if queries is gallery else (gallery - self._rounded_gallery).norm(dim=1)
        longest = gallery.norm(dim=1).max()
        sums = 4 * queries.shape[1] * _FLOAT_UNIT * queries.norm(dim=1) * longest  # two sums, and 2 for safety
        self._error = lost * longest + self._rounded_queries.float().norm(dim=1) * lost_there.max() + sums  # (Q,)

    @classmethod
    def if_worthwhile(cls, queries: Tensor, gallery: Tensor, count: int) -> Self | None:
        """Return a search if it is faster than float32 products for that much work on this machine."""
        if queries.device.type != "cpu" or min(len(queries), len(gallery)) < _FEWEST_ROWS:
            return None
        if count > _LARGEST_SHARE * len(gallery):
            return None
        able = torch.cpu.get_capabilities()
        return cls(queries, gallery) if able.get("avx512_bf16") or able.get("amx_bf16") else None

    def find(self, start: int, stop: int, count: int, own: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """Return cosines (rows, k), descending, columns (rows, k), and the rows for which that is proven.

        Args:
            start: First query.
            stop: The one after the last.
            count: k.
            own: (rows,) a column that each query leaves out.
        """
        products = self._rounded_queries[start:stop] @ self._rounded_gallery.T
        if own is not None:
            products[torch.arange(len(own)), own] = -torch.inf
        error = self._error[start:stop]

        def cutoff(kth: Tensor) -> Tensor:
            # At least k products before rounding reach kth - |kth| u, so k exact cosines reach that less the error, and
            # what is among the nearest reaches that; its product does less the error again, and rounded as that is.
            lowest: Tensor = kth - kth.abs() * _UNIT - 2 * error
            return lowest.bfloat16().float()

        found = shortlist(products, count, 2 * count + 64, cutoff)
        cosines, columns = self._look_again(self._queries[start:stop], found)
        break_ties(cosines, columns)
        return cosines[:, :count], columns[:, :count], found.complete

    def _look_again(self, queries: Tensor, found: Shortlist) -> tuple[Tensor, Tensor]:
        rows, places = ((found.values >= found.cutoff[:, None]) & found.complete[:, None]).nonzero(as_tuple=True)
        columns = found.columns[rows, places]
        exact = torch.empty(len(rows))
        for start in range(0, len(rows), _CHUNK_PAIRS):
            chunk = slice(start, start + _CHUNK_PAIRS)
            pairs = queries.index_select(0, rows[chunk]).mul_(self._gallery.index_select(0, columns[chunk]))
            torch.sum(pairs, 1, out=exact[chunk])
        cosines = torch.full_like(found.values, -torch.inf)
        cosines[rows, places] = exact
        order = cosines.sort(dim=1, descending=True)
        return order.values, found.columns.gather(1, order.indices)
