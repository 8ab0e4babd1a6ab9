"""How far a gallery is: compared, when its model is changed, between the one in use and the one that is to be."""

from typing import NamedTuple

__all__ = ["Level"]


class Level(NamedTuple):
    """Of what is searched: the number of the last write, and how many items are found."""

    sequence: int
    item_count: int
