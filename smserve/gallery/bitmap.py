"""A set of positions, one bit each: which vectors of a generation may be found."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Bitmap", "Positions"]

Positions = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Bitmap:
    """Never changed once made, so that searches share it.

    Attributes:
        packed: (ceil(N / 8),) uint8; position p is bit `p & 7` of byte `p >> 3`, as FAISS's IDSelectorBitmap has it.
        size: N, how many positions there are.
    """

    packed: NDArray[np.uint8]
    size: int

    @classmethod
    def of(cls, positions: Positions, size: int) -> "Bitmap":
        """Return the set of these positions, each in 0..size-1, in any order."""
        members = np.zeros(size, np.bool_)
        members[positions] = True
        return cls.from_booleans(members)

    @classmethod
    def from_booleans(cls, members: NDArray[np.bool_]) -> "Bitmap":
        """Return the set of positions that are True in (N,)."""
        return cls(np.packbits(members, bitorder="little"), len(members))

    def booleans(self) -> NDArray[np.bool_]:
        """Return (N,), True for members."""
        return np.unpackbits(self.packed, count=self.size, bitorder="little").view(np.bool_)

    def positions(self) -> Positions:
        """Return the members, ascending."""
        return np.flatnonzero(self.booleans())

    def count(self) -> int:
        """Return the number of members."""
        return int.from_bytes(self.packed.tobytes(), "little").bit_count()

    def contains(self, positions: Positions) -> NDArray[np.bool_]:
        """Return for each position whether it is a member."""
        found: NDArray[np.bool_] = (self.packed[positions >> 3] >> (positions & 7).astype(np.uint8) & 1).astype(
            np.bool_
        )
        return found

    def without(self, positions: Positions) -> "Bitmap":
        """Return the set less these positions."""
        packed = self.packed.copy()
        np.bitwise_and.at(packed, positions >> 3, ~np.left_shift(1, positions & 7).astype(np.uint8))
        return Bitmap(packed, self.size)

    def __and__(self, other: "Bitmap") -> "Bitmap":
        """Return what is in both; both have the same size."""
        return Bitmap(self.packed & other.packed, self.size)
