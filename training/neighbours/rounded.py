"""Cosines from bfloat16 products, several times as fast as float32 where the processor has them, with a proven bound.

They only rule pictures out: what may be among the nearest is looked at again in float32, so the answer is exact.
"""

from torch import Tensor

__all__ = ["RoundedVectors"]

_UNIT = 2.0**-8  # bfloat16's rounding changes a number by at most this share of it
_FLOAT_UNIT = 2.0**-24  # float32's


class RoundedVectors:
    """Queries and a gallery, rounded, and how far a product of them may be from the exact one.

    With x = x' + e and y = y' + f, where x' and y' are rounded, x.y - x'.y' = e.y + x'.f, which is at most
    |e||y| + |x'||f| (Cauchy-Schwarz); |e| and |f| are measured. Sums of D products in float32 are off by at most
    D 2^-24 |x||y| each, whatever their order. The product is then rounded itself, which keeps the order of numbers.

    Attributes:
        queries: (Q, D) bfloat16.
        gallery: (K, D) bfloat16; the same tensor as `queries` if they ask each other.
        error: (Q,) float32, the bound on a query's products, before they are rounded.
    """

    def __init__(self, queries: Tensor, gallery: Tensor) -> None:
        """Round both, (Q, D) and (K, D) float32."""
        self.queries = queries.bfloat16()
        self.gallery = self.queries if queries is gallery else gallery.bfloat16()
        lost = (queries - self.queries).norm(dim=1)  # |e|, (Q,)
        lost_there = lost if queries is gallery else (gallery - self.gallery).norm(dim=1)
        longest = gallery.norm(dim=1).max()
        sums = 4 * queries.shape[1] * _FLOAT_UNIT * queries.norm(dim=1) * longest  # two sums, and 2 for safety
        self.error = lost * longest + self.queries.float().norm(dim=1) * lost_there.max() + sums

    def cutoff(self, kth: Tensor, rows: slice) -> Tensor:
        """Return (rows,) what the product of a picture among the k nearest is no smaller than.

        Args:
            kth: (rows,) float32, the k-th largest product of each query, or less.
            rows: Which queries.
        """
        # At least k products before rounding reach kth - |kth| u, so k exact cosines reach that less the error, and
        # what is among the nearest reaches that; its product does less the error again, and rounded as that is.
        lowest: Tensor = kth - kth.abs() * _UNIT - 2 * self.error[rows]
        return lowest.bfloat16().float()
