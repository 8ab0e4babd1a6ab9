"""Which classes are confused with which: the neighbour lists of pictures, gathered by class."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["neighbour_classes"]


def neighbour_classes(
    neighbours: NDArray[np.int64], distances: NDArray[np.float32], labels: NDArray[np.int64], count: int
) -> NDArray[np.int64]:
    """Return for every class the `count` other classes whose pictures come nearest to its own, nearest first.

    Args:
        neighbours: (N, k) indices of each picture's nearest pictures.
        distances: (N, k), ascending along each row.
        labels: (N,) classes 0..C-1.
        count: Classes to list.

    Returns:
        (C, count); -1 where fewer classes occur in the lists.
    """
    classes = int(labels.max()) + 1
    own = np.repeat(labels, neighbours.shape[1])  # (N * k,)
    other = labels[neighbours].ravel()
    distance = distances.ravel()
    foreign = own != other
    own, other, distance = own[foreign], other[foreign], distance[foreign]
    order = np.lexsort((other, distance, own))  # by class, then distance, then index: the same on every machine
    own, other = own[order], other[order]
    _, first = np.unique(own * classes + other, return_index=True)  # the nearest occurrence of each pair
    first.sort()
    own, other = own[first], other[first]
    rank = np.arange(len(own)) - np.searchsorted(own, own)  # position within the class
    listed = np.full((classes, count), -1, np.int64)
    keep = rank < count
    listed[own[keep], rank[keep]] = other[keep]
    return listed
