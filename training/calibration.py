"""From a cosine to the probability of "same class": Platt's logistic regression on neighbour pairs.

A pair is a picture and one of its nearest others, as a search would show them. Platt, 1999, by scikit-learn.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from smserve.model_file import Calibration
from training.neighbours import nearest_neighbours

__all__ = [
    "Calibrated",
    "NeighbourPairs",
    "Reliability",
    "fit_calibration",
    "neighbour_pairs",
    "reliability",
]

_NEIGHBOURS: Final = 10
_FEWEST: Final = 20  # pairs of each kind; with fewer a fit says nothing
_FOLDS: Final = 5
_BINS: Final = 10
_DIGITS: Final = 6  # significant ones that are kept: the last ones differ from machine to machine


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NeighbourPairs:
    """Pictures with their nearest ones.

    Attributes:
        cosines: (P,).
        same: (P,) bool, whether both are of one class.
        queries: (P,) the class of the picture that asked.
    """

    cosines: NDArray[np.float64]
    same: NDArray[np.bool_]
    queries: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reliability:
    """What came true of what was said; bins of equal width without those that are empty.

    Attributes:
        said: (B,) mean probability of the pairs in a bin.
        came_true: (B,) share of them that are of one class.
        pairs: (B,) how many.
        error: Expected calibration error: mean of |said - came_true| over the pairs.
    """

    said: NDArray[np.float64]
    came_true: NDArray[np.float64]
    pairs: NDArray[np.int64]
    error: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calibrated:
    """A fit, and how it did on classes that it had not seen."""

    calibration: Calibration
    unseen: Reliability


def neighbour_pairs(
    embeddings: Tensor,
    labels: NDArray[np.int64],
    *,
    count: int = _NEIGHBOURS,
    gallery: Tensor | None = None,
    gallery_labels: NDArray[np.int64] | None = None,
) -> NeighbourPairs:
    """Return each picture with its nearest others, or with its nearest of a gallery.

    Args:
        embeddings: (N, D) float32 of unit norm.
        labels: (N,).
        count: How many of the nearest.
        gallery: (G, D).
        gallery_labels: (G,), numbered as `labels`.
    """
    indices, distances = nearest_neighbours(embeddings, count, gallery=gallery)  # (N, k)
    asked = labels if gallery_labels is None else gallery_labels
    return NeighbourPairs(
        cosines=(1 - distances.numpy().astype(np.float64) / 2).ravel(),
        same=(asked[indices.numpy()] == labels[:, None]).ravel(),
        queries=np.repeat(labels, indices.shape[1]),
    )


def fit_calibration(pairs: NeighbourPairs, *, fitted_on: str, count: int = _NEIGHBOURS) -> Calibrated | None:
    """Fit probabilities to pairs; None where they are too few, or larger cosines don't make "same class" likelier.

    The error is that of fits which leave the asking class out, a fifth of the classes at a time.

    Args:
        pairs: Of classes that training has not seen.
        fitted_on: What the pictures are, for people.
        count: How many of the nearest each picture was paired with.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_predict

    right = int(pairs.same.sum())
    classes = len(np.unique(pairs.queries))
    if min(right, len(pairs.same) - right) < _FEWEST or classes < _FOLDS:
        return None
    mean, deviation = float(pairs.cosines.mean()), float(pairs.cosines.std())
    if not deviation > 0:
        return None
    model = LogisticRegression(C=np.inf)  # two numbers for hundreds of pairs need no penalty
    cosines = (pairs.cosines[:, None] - mean) / deviation  # (P, 1): of a narrow range the solver would stop too early
    model.fit(cosines, pairs.same)
    slope = float(model.coef_[0, 0]) / deviation
    intercept = float(model.intercept_[0]) - slope * mean
    if not slope > 0:
        return None
    folds = GroupKFold(n_splits=_FOLDS)
    said = cross_val_predict(model, cosines, pairs.same, groups=pairs.queries, cv=folds, method="predict_proba")
    unseen = reliability(said[:, 1], pairs.same)
    calibration = Calibration(
        slope=_rounded(slope),
        intercept=_rounded(intercept),
        fitted_on=fitted_on,
        neighbours=count,
        pairs=len(pairs.same),
        same_class_share=_rounded(right / len(pairs.same)),
        error=round(unseen.error, 4),
    )
    return Calibrated(calibration=calibration, unseen=unseen)


def reliability(said: NDArray[np.float64], same: NDArray[np.bool_]) -> Reliability:
    """Return what a reliability diagram shows of P pairs with probabilities (P,), in ten bins."""
    numbers = np.minimum((said * _BINS).astype(np.int64), _BINS - 1)
    pairs = np.bincount(numbers, minlength=_BINS)
    filled = pairs > 0
    counts = pairs[filled]
    means = np.bincount(numbers, weights=said, minlength=_BINS)[filled] / counts
    shares = np.bincount(numbers, weights=same.astype(np.float64), minlength=_BINS)[filled] / counts
    error = float((np.abs(means - shares) * counts).sum() / max(1, len(said)))
    return Reliability(said=means, came_true=shares, pairs=counts, error=error)


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
