"""What a pass of smart mining gives."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["MinedTriplets"]

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MinedTriplets:
    """What one pass of mining gave, for A anchors.

    Attributes:
        triplets: (A * T, 3) indices of anchor, positive and negative; anchor by anchor.
        mined: (A * T,) where the negative is a mined one; the rest are random triplets.
        random_positive: (A * T,) where a mined negative's positive had to be drawn at random.
        ratios: (A * T,) d(a,n) / d(a,p), not squared, where both are from the list; not a number elsewhere.
        valid_negatives: Mean number of valid negatives an anchor.
    """

    triplets: NDArray[np.int64]
    mined: Mask
    random_positive: Mask
    ratios: NDArray[np.float32]
    valid_negatives: float

    @property
    def random_positives(self) -> int:
        """Mined negatives whose positive had to be drawn at random."""
        return int(self.random_positive.sum())

    @property
    def random_triplets(self) -> int:
        """Triplets drawn at random for want of a valid negative."""
        return int((~self.mined).sum())

    def hardness(self, kept: Mask | None = None) -> float | None:
        """Return the mean of d(a,n) / d(a,p) over the triplets whose negative and positive are both from the list.

        It lies in (0, 1): the nearer to 0, the farther the positive lies behind the negative and the more the triplet
        costs (equation 2). Pairs with a random positive are left out, for they were not chosen by distance.

        Args:
            kept: (A * T,) counts only these; None counts all.

        Returns:
            None where there are no such triplets.
        """
        counted = self.mined & ~self.random_positive
        if kept is not None:
            counted &= kept
        return float(self.ratios[counted].mean(dtype=np.float64)) if counted.any() else None
