"""What a sampler gives: the batches of an epoch; and how a checkpoint keeps them."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["Batch", "Neighbours", "Plan", "Sampler"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Batch:
    """Pictures that go through the network together.

    Attributes:
        indices: (B,) into the training set, each once.
        triplets: (T, 3) positions in `indices`; None stands for all triplets that the labels allow.
        mined: (T,) which triplets were mined; without triplets, (B,) of which pictures the class was.
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

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps of it: plain values, and tensors of all batches end to end."""
        return {
            "figures": json.loads(json.dumps(dict(self.figures))),  # numpy's numbers would be refused on loading
            "indices": _joined([batch.indices for batch in self.batches]),
            "sizes": [len(batch.indices) for batch in self.batches],
            "triplets": _joined([batch.triplets for batch in self.batches if batch.triplets is not None]),
            "mined": _joined([batch.mined for batch in self.batches if batch.mined is not None]),
            "has_mined": [batch.mined is not None for batch in self.batches],
            "triplet_counts": [-1 if batch.triplets is None else len(batch.triplets) for batch in self.batches],
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "Plan":
        """Return the plan whose `state()` this was; another document is a KeyError, TypeError or ValueError."""
        batches = []
        indices, triplets, mined = (_Parts(state[name].numpy()) for name in ("indices", "triplets", "mined"))
        for size, count, has_mined in zip(state["sizes"], state["triplet_counts"], state["has_mined"], strict=True):
            batches.append(
                Batch(
                    indices=indices.next(size),
                    triplets=None if count < 0 else triplets.next(count),
                    mined=mined.next(size if count < 0 else count) if has_mined else None,
                )
            )
        return cls(batches=batches, figures=state["figures"])


def _joined(arrays: Sequence[NDArray[Any]]) -> Tensor:
    """Return arrays end to end; a tensor for each of thousands of batches would make a file slow to write."""
    return torch.from_numpy(np.concatenate(arrays)) if arrays else torch.zeros(0, dtype=torch.int64)


class _Parts:
    """Takes an array apart again."""

    def __init__(self, whole: NDArray[Any]) -> None:
        self._whole = whole
        self._place = 0

    def next(self, length: int) -> NDArray[Any]:
        self._place += length
        return self._whole[self._place - length : self._place]


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
