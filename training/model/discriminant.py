"""Linear discriminants as a head: directions in which classes differ more than the pictures of one class do.

Fisher's discriminants for many classes (Rao, 1948): features are whitened by the scatter within classes, and of what is
left the directions with the largest scatter between classes are taken. Both scatters come from sums over pictures, so
that the whole training set says what the head is, not the batches of the last steps. scikit-learn's discriminants want
all features at once, and end at C - 1 directions.
"""

from collections.abc import Mapping
from typing import Any, Final

import torch
from torch import Tensor

__all__ = ["ClassScatter", "discriminant_head"]

_SMALLEST: Final = 1e-9  # of the mean scatter, so that features which never vary divide by no zero
_TINY: Final = 1e-300  # where no picture has any feature
_OF_TOTAL: Final = 1e-3  # orders the directions in which class means don't differ: of C classes, all but C - 1


class ClassScatter:
    """Sums over features from which their scatter within and between classes comes; float64, on the CPU."""

    def __init__(self, classes: int, width: int) -> None:
        """Begin without any picture; `width` is that of the features."""
        self.counts = torch.zeros(classes, dtype=torch.float64)
        self.sums = torch.zeros((classes, width), dtype=torch.float64)
        self.squares = torch.zeros((width, width), dtype=torch.float64)

    def add(self, features: Tensor, labels: Tensor) -> None:
        """Count pictures in: features (B, W) and classes (B,)."""
        rows, classes = features.detach().double().cpu(), labels.cpu()
        self.counts.index_add_(0, classes, torch.ones(len(rows), dtype=torch.float64))
        self.sums.index_add_(0, classes, rows)
        self.squares += rows.T @ rows

    @property
    def pictures(self) -> int:
        """How many were counted in; one that came twice counts twice."""
        return int(self.counts.sum())

    def state(self) -> dict[str, Tensor]:
        """Return what a checkpoint keeps: the sums."""
        return {"counts": self.counts, "sums": self.sums, "squares": self.squares}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Hold what the one whose `state()` this was held; anything else is a KeyError, RuntimeError or TypeError."""
        for name, own in self.state().items():
            own.copy_(state[name])


def discriminant_head(scatter: ClassScatter, dimension: int, *, shrinkage: float) -> tuple[Tensor, Tensor]:
    """Return weight (D, W) and bias (D,) of a linear layer, float64: features less their mean, along discriminants.

    The first rows tell classes apart best. C classes differ along C - 1 directions; the rows after those have the most
    scatter of what is left, and those beyond W directions are zero.

    Args:
        scatter: Of one picture or more.
        dimension: D.
        shrinkage: See `FinishConfig`.

    Raises:
        ValueError: There is no picture.
    """
    if not scatter.pictures:
        raise ValueError("discriminant_head: wanted the scatter of one picture or more, got none")
    seen = scatter.counts > 0
    counts, sums = scatter.counts[seen], scatter.sums[seen]
    means = sums / counts[:, None]  # (C, W)
    mean = sums.sum(0) / counts.sum()  # (W,)
    total = scatter.squares / counts.sum() - torch.outer(mean, mean)
    between = (means - mean).T @ ((means - mean) * counts[:, None]) / counts.sum()
    within = total - between
    least = shrinkage * within.trace() + _SMALLEST * scatter.squares.trace() / counts.sum()
    identity = torch.eye(len(mean), dtype=torch.float64)
    root = torch.linalg.cholesky(within + (least / len(mean) + _TINY) * identity)
    whitening = torch.linalg.solve_triangular(root, identity, upper=False)  # W' W is the inverse of root root'
    wanted = whitening @ (between + _OF_TOTAL * total) @ whitening.T
    directions = torch.linalg.eigh(wanted).eigenvectors.flip(1)[:, :dimension]  # falling
    directions = directions * directions.gather(0, directions.abs().argmax(0)[None]).sign()  # either sign would do
    weight = torch.zeros((dimension, len(mean)), dtype=torch.float64)
    weight[: directions.shape[1]] = directions.T @ whitening
    return weight, -weight @ mean
