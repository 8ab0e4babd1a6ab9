"""Batches of classes drawn from one another's neighbours: a picture is embedded once and serves many triplets."""

import numpy as np
from numpy.typing import NDArray

from training.config import SamplerConfig
from training.mining.neighbour_classes import neighbour_classes
from training.samplers.plan import Batch, Neighbours, Plan, Sampler

__all__ = ["ClassSampler"]


class ClassSampler(Sampler):
    """Fills a batch class by class; difficulty is the probability that the next one is a neighbour.

    A neighbour is one of the classes whose pictures lie nearest to those of a class in the batch, over the whole
    training set. An epoch has as many pictures as the training set; classes not drawn as neighbours come up in turn.
    """

    def __init__(self, config: SamplerConfig, labels: NDArray[np.int64]) -> None:
        self._config = config
        self._labels = labels
        order = np.argsort(labels, kind="stable")
        self._members = np.split(order, np.cumsum(np.bincount(labels))[:-1])
        self.list_length = 3 * config.list_length  # pictures: several are of one class

    def mines(self, epoch: int) -> bool:
        """From `random_epochs` on."""
        return epoch > self._config.random_epochs and self._config.mined_share > 0

    def first_difficulty(self, neighbours: Neighbours) -> float:  # noqa: ARG002 - the same for all data
        """Return the configured share."""
        return self._config.mined_share

    def plan(self, neighbours: Neighbours | None, difficulty: float, random: np.random.Generator) -> Plan:
        """Return as many batches as one pass over the pictures takes."""
        listed = None
        if neighbours is not None:
            listed = neighbour_classes(neighbours.indices, neighbours.distances, self._labels, self._config.list_length)
        turn = _Turn(len(self._members), random)
        batches = []
        drawn, classes = 0, 0
        for _ in range(-(-len(self._labels) // self._config.batch_size)):
            batch: list[int] = []
            parts: list[NDArray[np.int64]] = []
            mined: list[NDArray[np.bool_]] = []
            size = 0
            while size < self._config.batch_size and len(batch) < len(self._members):
                near = self._neighbour(batch, listed, difficulty, random)
                label = turn.next(batch) if near is None else near
                if near is not None:
                    drawn += 1
                    turn.came_up(near)
                batch.append(label)
                parts.append(random.permutation(self._members[label])[: self._config.per_class])
                mined.append(np.full(len(parts[-1]), near is not None))
                size += len(parts[-1])
            classes += len(batch)
            whole = slice(self._config.batch_size)
            batches.append(Batch(indices=np.concatenate(parts)[whole], mined=np.concatenate(mined)[whole]))
        return Plan(batches=batches, figures={"mined_share": drawn / classes})

    def _neighbour(
        self, batch: list[int], listed: NDArray[np.int64] | None, share: float, random: np.random.Generator
    ) -> int | None:
        """Return a class near a random one of the batch; None for a class in turn instead."""
        if listed is None or not batch or random.random() >= share:
            return None
        near = [int(label) for label in listed[random.choice(batch)] if label >= 0 and label not in batch]
        return int(random.choice(near)) if near else None


class _Turn:
    """Lets every class come up once, in random order, and random ones after that."""

    def __init__(self, classes: int, random: np.random.Generator) -> None:
        self._classes = classes
        self._random = random
        self._queue = [int(label) for label in random.permutation(classes)]
        self._waiting = set(self._queue)

    def came_up(self, label: int) -> None:
        """Leave a class out of what is to come."""
        self._waiting.discard(label)

    def next(self, batch: list[int]) -> int:
        """Return a class that is not in the batch."""
        for place in range(len(self._queue) - 1, -1, -1):
            label = self._queue[place]
            if label not in self._waiting:
                del self._queue[place]
            elif label not in batch:
                del self._queue[place]
                self._waiting.discard(label)
                return label
        return int(self._random.choice(np.setdiff1d(np.arange(self._classes), batch)))
