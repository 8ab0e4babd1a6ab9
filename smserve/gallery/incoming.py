"""What an item must be to be stored; its payload is checked where it becomes a row."""

from typing import Final

import numpy as np

from smserve.errors import InvalidInput, InvalidVector
from smserve.gallery.values import NewItem

__all__ = ["check_item"]

_NORM_TOLERANCE: Final = 1e-3


def check_item(item: NewItem, dimension: int) -> None:
    """Check id and vector.

    Raises:
        InvalidInput: The id is empty.
        InvalidVector: The vector is not of D finite numbers and norm 1.
    """
    if not item.item_id:
        raise InvalidInput("an item has an empty id; name it", field="item_id")
    vector = np.asarray(item.vector)
    if vector.shape != (dimension,):
        raise InvalidVector(
            f"item {item.item_id!r} has a vector of shape {vector.shape}, the gallery has D={dimension}",
            field="vector",
        )
    norm = float(np.linalg.norm(vector))
    if not abs(norm - 1) <= _NORM_TOLERANCE:  # NaN and infinity fail too
        raise InvalidVector(
            f"item {item.item_id!r} has a vector of norm {norm:.4g}, wanted 1; divide it by its norm",
            field="vector",
        )
