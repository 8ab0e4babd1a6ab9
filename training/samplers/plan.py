"""What a sampler gives: the batches of an epoch."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["Batch", "Neighbours", "Plan", "Sampler"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Batch:
    """Pictures that go through the network together.

    Attributes:
        indices: (B,) into the training set, each once.
        triplets: (T, 3) positions in `indices`; None stands for all triplets that the labels allow.
        mined: (T,) which triplets were mined; None with `triplets`.
    """

    indices: NDArray[np.int64]
    triplets: NDArray[np.int64] | None = None
    mined: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Neighbours:
    """The sorted lists S_i of the whole training set: indices and squared distances, (N, k), nearest first."""

    indices: NDArray[np.int64]
    distances: NDArray[np.float32]

    @classmethod
    def of(cls, indices: Tensor, distances: Tensor) -> "Neighbours":
        """Take over what `training.neighbours.nearest_neighbours` found."""
        return cls(indices=indices.numpy(), distances=distances.numpy())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """An epoch's batches, and figures about them for the log."""

    batches: Sequence[Batch]
    figures: Mapping[str, Any] = field(default_factory=dict)


class Sampler(ABC):
    """Plans epochs."""

    list_length: int
    """How many neighbours a picture's list must have."""

    @abstractmethod
    def mines(self, epoch: int) -> bool:
        """Whether the plan of an epoch, counted from 1, wants neighbour lists."""

    @abstractmethod
    def first_difficulty(self, neighbours: Neighbours) -> float:
        """Return the difficulty to begin with, from the data."""

    @abstractmethod
    def plan(self, neighbours: Neighbours | None, difficulty: float, random: np.random.Generator) -> Plan:
        """Return the batches of an epoch; without neighbours, random ones."""
