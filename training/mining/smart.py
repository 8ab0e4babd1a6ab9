"""Smart mining: algorithm 1 and equation 6 of Harwood et al., ICCV 2017, over sorted neighbour lists.

A sphere round each anchor holds what is too near to learn from, outliers and badly structured regions: its squared
radius is kappa times the squared distance of the nearest positive. Negatives are taken outside it, from near to far,
each with the first positive that is still farther.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["KAPPA_CANDIDATES", "MinedTriplets", "choose_kappa", "mine_triplets", "random_triplets"]

KAPPA_CANDIDATES = (64.0, 16.0, 4.0, 2.0, 1.0)

Indices = NDArray[np.int64]
Distances = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MinedTriplets:
    """What one pass of mining gave.

    Attributes:
        triplets: (N * T, 3) indices of anchor, positive and negative; anchor by anchor.
        mined: (N * T,) where the negative is a mined one; the rest are random triplets.
        random_positives: Mined negatives whose positive had to be drawn at random.
        random_triplets: Triplets drawn at random for want of a valid negative.
        valid_negatives: Mean number of valid negatives an anchor.
    """

    triplets: Indices
    mined: NDArray[np.bool_]
    random_positives: int
    random_triplets: int
    valid_negatives: float


def _valid(distances: Distances, positive: NDArray[np.bool_], kappa: float) -> NDArray[np.bool_]:
    """Return (N, k): what lies behind the first positive and outside its sphere."""
    first = np.argmax(positive, axis=1)[:, np.newaxis]  # 0 where there is none, masked below
    bound = max(kappa, 1.0) * np.take_along_axis(distances, first, 1)  # (N, 1)
    beyond: NDArray[np.bool_] = np.any(positive, axis=1, keepdims=True) & (distances > bound)
    return beyond


def choose_kappa(
    distances: Distances, positive: NDArray[np.bool_], candidates: tuple[float, ...] = KAPPA_CANDIDATES
) -> float:
    """Return the largest candidate for which at least half of the anchors have a valid negative; else the smallest.

    Args:
        distances: (N, k) squared, ascending along each row.
        positive: (N, k) whether the neighbour is of the anchor's class.
        candidates: In falling order.
    """
    for kappa in candidates:
        if np.any(_valid(distances, positive, kappa) & ~positive, axis=1).mean() >= 0.5:
            return kappa
    return candidates[-1]


def mine_triplets(
    neighbours: Indices,
    distances: Distances,
    labels: Indices,
    *,
    kappa: float,
    per_anchor: int,
    random: np.random.Generator,
) -> MinedTriplets:
    """Choose `per_anchor` triplets for every picture.

    Args:
        neighbours: (N, k) the sorted list S_i of each anchor, itself left out.
        distances: (N, k) squared distances, ascending along each row.
        labels: (N,) classes; each occurs at least twice.
        kappa: Size of the sphere; at most 1 means the nearest positive's own distance.
        per_anchor: T.
        random: Source of chance for the fallbacks.
    """
    count, length = neighbours.shape
    positive = labels[neighbours] == labels[:, None]  # (N, k)
    valid = _valid(distances, positive, kappa)
    negative = valid & ~positive
    # The first T valid negatives of each anchor, as columns of its list.
    taken = np.argsort(~negative, axis=1, kind="stable")[:, :per_anchor]
    if taken.shape[1] < per_anchor:
        taken = np.pad(taken, ((0, 0), (0, per_anchor - taken.shape[1])))
    mined = np.arange(per_anchor) < negative.sum(1)[:, None]  # (N, T)
    partner = np.take_along_axis(_first_farther_positive(distances, valid & positive), taken, 1)  # (N, T) columns
    paired = mined & (partner < length)

    anchors = np.repeat(np.arange(count), per_anchor).reshape(count, per_anchor)
    columns = np.minimum(partner, length - 1)
    triplets = np.stack(
        [anchors, np.take_along_axis(neighbours, columns, 1), np.take_along_axis(neighbours, taken, 1)], axis=2
    )  # (N, T, 3)
    members = _Members(labels)
    unpaired = mined & ~paired
    triplets[unpaired, 1] = members.draw_outside(anchors[unpaired], neighbours, random)
    triplets[~mined, 1] = members.draw_positive(anchors[~mined], random)
    triplets[~mined, 2] = members.draw_negative(anchors[~mined], random)
    return MinedTriplets(
        triplets=triplets.reshape(-1, 3),
        mined=mined.ravel(),
        random_positives=int(unpaired.sum()),
        random_triplets=int((~mined).sum()),
        valid_negatives=float(negative.sum(1).mean()),
    )


def _first_farther_positive(distances: Distances, positive: NDArray[np.bool_]) -> Indices:
    """Return (N, k): for each column the first column of a stored positive that is strictly farther; k for none."""
    length = distances.shape[1]
    columns = np.where(positive, np.arange(length), length)
    at_or_after = np.minimum.accumulate(columns[:, ::-1], axis=1)[:, ::-1]  # first positive from this column on
    at_or_after = np.pad(at_or_after, ((0, 0), (0, 1)), constant_values=length)
    farther = np.where(np.diff(distances, axis=1) > 0, np.arange(1, length), length)
    farther = np.minimum.accumulate(np.pad(farther, ((0, 0), (0, 1)), constant_values=length)[:, ::-1], axis=1)[:, ::-1]
    return np.take_along_axis(at_or_after, farther, 1)


class _Members:
    """Random draws by class, for many anchors at a time."""

    def __init__(self, labels: Indices) -> None:
        self._labels = labels
        self._order = np.argsort(labels, kind="stable")
        sizes = np.bincount(labels)
        self._size = sizes[labels]  # of each picture's class
        self._start = (np.cumsum(sizes) - sizes)[labels]
        self._rank = np.empty_like(self._order)
        self._rank[self._order] = np.arange(len(labels))

    def draw_positive(self, anchors: Indices, random: np.random.Generator) -> Indices:
        """Return another member of each anchor's class."""
        own = self._rank[anchors] - self._start[anchors]
        step = random.integers(1, self._size[anchors])  # 1..size-1 places further on, round the class
        return self._order[self._start[anchors] + (own + step) % self._size[anchors]]

    def draw_negative(self, anchors: Indices, random: np.random.Generator) -> Indices:
        """Return a picture of another class."""
        place = random.integers(0, len(self._labels) - self._size[anchors])
        return self._order[np.where(place < self._start[anchors], place, place + self._size[anchors])]

    def draw_outside(self, anchors: Indices, neighbours: Indices, random: np.random.Generator) -> Indices:
        """Return a member of each anchor's class that is not in its list; any other member where the list has all."""
        drawn = np.empty(len(anchors), np.int64)
        for position, anchor in enumerate(anchors):
            members = self._order[self._start[anchor] : self._start[anchor] + self._size[anchor]]
            outside = np.setdiff1d(members, np.append(neighbours[anchor], anchor), assume_unique=True)
            if len(outside) == 0:
                outside = members[members != anchor]
            drawn[position] = random.choice(outside)
        return drawn


def random_triplets(labels: Indices, per_anchor: int, random: np.random.Generator) -> Indices:
    """Return (N * T, 3): every picture as anchor of T triplets with a random positive and a random negative."""
    anchors = np.repeat(np.arange(len(labels)), per_anchor)
    members = _Members(labels)
    return np.stack([anchors, members.draw_positive(anchors, random), members.draw_negative(anchors, random)], axis=1)
