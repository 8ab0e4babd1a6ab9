"""Smart mining: algorithm 1 and equation 6 of Harwood et al., ICCV 2017, over sorted neighbour lists.

A sphere round each anchor holds what is too near to learn from, outliers and badly structured regions: its squared
radius is kappa times the squared distance of the nearest positive. Negatives are taken outside it, from near to far,
each with the first positive that is still farther.
"""

import numpy as np
from numpy.typing import NDArray

from training.mining.class_members import ClassMembers
from training.mining.mined_triplets import MinedTriplets

__all__ = ["KAPPA_CANDIDATES", "MinedTriplets", "choose_kappa", "mine_triplets", "random_triplets"]

KAPPA_CANDIDATES = (64.0, 16.0, 4.0, 2.0, 1.0)

Indices = NDArray[np.int64]
Distances = NDArray[np.float32]
Mask = NDArray[np.bool_]

_TILE_ELEMENTS = 2**20  # places of lists scanned together: 8 MiB an array


def choose_kappa(distances: Distances, positive: Mask, candidates: tuple[float, ...] = KAPPA_CANDIDATES) -> float:
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
    anchor_labels: Indices | None = None,
    kappa: float,
    per_anchor: int,
    random: np.random.Generator,
) -> MinedTriplets:
    """Choose `per_anchor` triplets for every anchor.

    Args:
        neighbours: (A, k) the sorted list S_i of each anchor, itself left out: places in the reference set.
        distances: (A, k) squared distances, ascending along each row.
        labels: (N,) classes of the reference set, whole numbers from 0.
        anchor_labels: (A,) classes of the anchors, where these are other pictures than the reference set's; each class
            occurs there at least once. The triplets' first column then counts anchors, the others reference pictures.
            None: the anchors are the reference set, and each class occurs at least twice.
        kappa: Size of the sphere; at most 1 means the nearest positive's own distance.
        per_anchor: T.
        random: Source of chance for the fallbacks.
    """
    own = np.arange(len(neighbours)) if anchor_labels is None else np.full(len(neighbours), -1)
    least = 2 if anchor_labels is None else 1
    anchor_labels = labels if anchor_labels is None else anchor_labels
    _check(neighbours, distances, labels, anchor_labels, per_anchor, least)
    count, length = neighbours.shape
    members = ClassMembers(labels)
    triplets = np.empty((count, per_anchor, 3), np.int64)
    mined = np.empty((count, per_anchor), np.bool_)
    random_positive = np.empty((count, per_anchor), np.bool_)
    ratios = np.empty((count, per_anchor), np.float32)
    negatives = 0
    rows = max(1, _TILE_ELEMENTS // max(1, length))
    for start in range(0, count, rows):
        part = slice(start, start + rows)
        lists, reach, classes, places = neighbours[part], distances[part], anchor_labels[part], own[part]
        same = labels[lists] == classes[:, np.newaxis]  # (a, k)
        valid = _valid(reach, same, kappa)
        negatives += int((valid & ~same).sum())
        taken = _first_columns(valid & ~same, per_anchor)  # (a, T) columns of the negatives; k for none
        partner = np.append(_first_farther_positive(reach, valid & same), np.full((len(lists), 1), length), axis=1)
        partner = np.take_along_axis(partner, taken, 1)  # (a, T) columns of the positives; k for none
        mined[part] = has_negative = taken < length
        paired = has_negative & (partner < length)
        random_positive[part] = unpaired = has_negative & ~paired

        anchor, _ = np.nonzero(has_negative)
        chosen = triplets[part]
        chosen[:, :, 0] = np.arange(start, start + len(lists))[:, np.newaxis]
        chosen[has_negative, 2] = lists[anchor, taken[has_negative]]
        anchor, _ = np.nonzero(paired)
        chosen[paired, 1] = lists[anchor, partner[paired]]
        ratios[part] = np.nan
        ratios[part][paired] = np.sqrt(reach[anchor, taken[paired]] / reach[anchor, partner[paired]])
        anchor, _ = np.nonzero(unpaired)
        chosen[unpaired, 1] = members.outside(classes[anchor], places[anchor], lists[anchor], same[anchor], random)
        anchor, _ = np.nonzero(~has_negative)
        chosen[~has_negative, 1] = members.positives(classes[anchor], places[anchor], random)
        chosen[~has_negative, 2] = members.negatives(classes[anchor], random)
    return MinedTriplets(
        triplets=triplets.reshape(-1, 3),
        mined=mined.ravel(),
        random_positive=random_positive.ravel(),
        ratios=ratios.ravel(),
        valid_negatives=negatives / max(1, count),
    )


def random_triplets(labels: Indices, per_anchor: int, random: np.random.Generator) -> Indices:
    """Return (N * T, 3): every picture as anchor of T triplets with a random positive and a random negative."""
    anchors = np.repeat(np.arange(len(labels)), per_anchor)
    members = ClassMembers(labels)
    positives = members.positives(labels[anchors], anchors, random)
    return np.stack([anchors, positives, members.negatives(labels[anchors], random)], axis=1)


def _valid(distances: Distances, positive: Mask, kappa: float) -> Mask:
    """Return (A, k): what lies behind the first positive and outside its sphere."""
    if not positive.shape[1]:
        return positive
    first = np.argmax(positive, axis=1)[:, np.newaxis]  # 0 where there is none, masked below
    # As float64, so that no rounding of kappa * d² moves what lies on the sphere.
    bound = max(kappa, 1.0) * np.take_along_axis(distances, first, 1).astype(np.float64)  # (A, 1)
    beyond: Mask = np.any(positive, axis=1, keepdims=True) & (distances > bound)
    return beyond


def _first_columns(mask: Mask, count: int) -> Indices:
    """Return (A, count): the first columns that hold in each row; the number of columns where there are no more."""
    row, column = np.nonzero(mask)
    held = mask.sum(1)
    place = np.arange(len(row)) - (np.cumsum(held) - held)[row]
    few = place < count
    columns = np.full((len(mask), count), mask.shape[1], np.int64)
    columns[row[few], place[few]] = column[few]
    return columns


def _first_farther_positive(distances: Distances, positive: Mask) -> Indices:
    """Return (A, k): for each column the first column of a stored positive that is strictly farther; k for none."""
    length = distances.shape[1]
    columns = np.where(positive, np.arange(length), length)
    at_or_after = np.minimum.accumulate(columns[:, ::-1], axis=1)[:, ::-1]  # first positive from this column on
    at_or_after = np.pad(at_or_after, ((0, 0), (0, 1)), constant_values=length)
    farther = np.where(np.diff(distances, axis=1) > 0, np.arange(1, length), length)
    farther = np.minimum.accumulate(np.pad(farther, ((0, 0), (0, 1)), constant_values=length)[:, ::-1], axis=1)[:, ::-1]
    return np.take_along_axis(at_or_after, farther, 1)


def _check(
    neighbours: Indices, distances: Distances, labels: Indices, anchor_labels: Indices, per_anchor: int, least: int
) -> None:
    if neighbours.ndim != 2 or neighbours.shape != distances.shape or len(neighbours) != len(anchor_labels):
        raise ValueError(
            f"mine_triplets: wanted neighbours and distances (A, k) and A classes of anchors, got {neighbours.shape}, "
            f"{distances.shape} and {len(anchor_labels)}"
        )
    if per_anchor < 1:
        raise ValueError(f"mine_triplets: wanted per_anchor >= 1, got {per_anchor}")
    if neighbours.size and not 0 <= neighbours.min() <= neighbours.max() < len(labels):
        raise ValueError(
            f"mine_triplets: wanted neighbours within 0..{len(labels) - 1}, got {neighbours.min()}..{neighbours.max()}"
        )
    sizes = np.bincount(labels, minlength=int(anchor_labels.max(initial=0)) + 1)
    smallest = int(sizes[anchor_labels].min(initial=least))
    if smallest < least:
        raise ValueError(f"mine_triplets: wanted {least} or more pictures of each anchor's class, got {smallest}")
    if len(anchor_labels) and int(sizes.max()) == len(labels):
        raise ValueError("mine_triplets: wanted two classes or more, got one")
