"""Greedy walks over a neighbour graph: the measure that says when it is good enough to search.

Harwood et al., ICCV 2017, section 3.2, build their graph until 98 % of the walks from a random vertex to a random
target arrive. A walk steps to the neighbour that is nearest to its target for as long as that brings it nearer.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["walk", "walk_success"]

_TILE_ELEMENTS = 2**23  # float32 differences held at a time: 32 MiB


def walk(
    vectors: NDArray[np.float32], neighbours: NDArray[np.int32], starts: NDArray[np.int64], targets: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return (W,) the vertices at which greedy walks end.

    Args:
        vectors: (N, D) where the vertices lie.
        neighbours: (N, K) the ends of each vertex's edges; -1 in empty places. Of equally near ends the first is taken.
        starts: (W,) where each walk begins.
        targets: (W,) where it wants to go.
    """
    ends = starts.copy()
    distances = _squared(vectors[ends] - vectors[targets])  # (W,)
    walking = np.arange(len(ends))
    rows = max(1, _TILE_ELEMENTS // max(1, neighbours.shape[1] * vectors.shape[1]))
    while len(walking) and neighbours.shape[1]:
        # Every step comes strictly nearer, so no walk goes on for ever.
        tiles = [walking[start : start + rows] for start in range(0, len(walking), rows)]
        walking = np.concatenate([_step(vectors, neighbours, targets, ends, distances, tile) for tile in tiles])
    return ends


def _step(
    vectors: NDArray[np.float32],
    neighbours: NDArray[np.int32],
    targets: NDArray[np.int64],
    ends: NDArray[np.int64],
    distances: NDArray[np.float32],
    walking: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Move those of the walks that come nearer, in `ends` and `distances`, and return them."""
    around = neighbours[ends[walking]]  # (w, K)
    reach = _squared(vectors[around] - vectors[targets[walking], np.newaxis])  # -1 reads the last vertex; masked next
    reach[around < 0] = np.inf
    nearest = reach.argmin(1)[:, np.newaxis]
    distance = np.take_along_axis(reach, nearest, 1).squeeze(1)
    nearer: NDArray[np.bool_] = distance < distances[walking]
    moved = walking[nearer]
    ends[moved] = np.take_along_axis(around, nearest, 1).squeeze(1)[nearer]
    distances[moved] = distance[nearer]
    return moved


def walk_success(
    vectors: NDArray[np.float32], neighbours: NDArray[np.int32], walks: int, random: np.random.Generator
) -> float:
    """Return the share, in [0, 1], of `walks` greedy walks between two random vertices that end at distance 0.

    Args:
        vectors: (N, D), N at least 2.
        neighbours: (N, K) as `walk` takes them.
        walks: How many are tried; the standard error is sqrt(p (1 - p) / walks).
        random: Draws starts and targets, which differ.
    """
    starts = random.integers(0, len(vectors), walks)
    targets = (starts + random.integers(1, len(vectors), walks)) % len(vectors)
    ends = walk(vectors, neighbours, starts, targets)
    return float((_squared(vectors[ends] - vectors[targets]) == 0).mean())


def _squared(differences: NDArray[np.float32]) -> NDArray[np.float32]:
    squared: NDArray[np.float32] = np.einsum("...d,...d->...", differences, differences)
    return squared
