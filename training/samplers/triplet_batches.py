"""Batches of triplets: mined by algorithm 1, random, or a mixture; section 3 of Harwood et al., ICCV 2017."""

import numpy as np
from numpy.typing import NDArray

from smserve.errors import InvalidInput
from training.config import SamplerConfig
from training.mining.smart import choose_kappa, mine_triplets, random_triplets
from training.samplers.plan import Batch, Neighbours, Plan, Sampler

__all__ = ["TripletSampler"]


class TripletSampler(Sampler):
    """Every picture is the anchor of `per_anchor` triplets an epoch; difficulty is kappa."""

    def __init__(self, config: SamplerConfig, labels: NDArray[np.int64]) -> None:
        """Take the training set's labels (N,).

        Raises:
            InvalidInput: A class has one picture, so it makes no triplet; or more than the neighbour lists hold.
        """
        singles = int((np.unique(labels, return_counts=True)[1] == 1).sum())
        if singles:
            raise InvalidInput(
                f"{singles} training classes have one picture, and a triplet needs two of a class; leave them out, or "
                f'take a recipe with sampler.kind "classes", such as photos',
                field="label",
            )
        largest = int(np.bincount(labels).max())
        if config.mined_share > 0 and config.list_length < min(largest, len(labels) - 1):
            raise InvalidInput(
                f"setting sampler.list_length is {config.list_length}, and the largest training class has {largest} "
                f"pictures; wanted at least {largest}, so that a list goes beyond the anchor's own class",
                field="sampler.list_length",
            )
        self._config = config
        self._labels = labels
        self.list_length = config.list_length

    def mines(self, epoch: int) -> bool:
        """From `random_epochs` on."""
        return epoch > self._config.random_epochs and self._config.mined_share > 0

    def first_difficulty(self, neighbours: Neighbours) -> float:
        """Return kappa_0: the largest candidate that leaves half of the anchors a valid negative."""
        return choose_kappa(neighbours.distances, self._labels[neighbours.indices] == self._labels[:, None])

    def plan(self, neighbours: Neighbours | None, difficulty: float, random: np.random.Generator) -> Plan:
        """Return shuffled batches of triplets, of all anchors or of a random share of them."""
        config = self._config
        triplets = random_triplets(self._labels, config.per_anchor, random)
        used = self._drawn_anchors(random)[triplets[:, 0]]
        mined = np.zeros(len(triplets), np.bool_)
        figures: dict[str, float | None] = {}
        if neighbours is not None:
            found = mine_triplets(
                neighbours.indices,
                neighbours.distances,
                self._labels,
                kappa=difficulty,
                per_anchor=config.per_anchor,
                random=random,
            )
            chosen = random.random(len(triplets)) < config.mined_share
            triplets = np.where(chosen[:, None], found.triplets, triplets)
            mined = chosen & found.mined
            figures = {
                "valid_negatives": found.valid_negatives,
                "random_positives": int((used & mined & found.random_positive).sum()),
                "random_triplets": int((used & chosen & ~found.mined).sum()),
                "hardness": found.hardness(used & chosen),
            }
        triplets, mined = triplets[used], mined[used]
        order = random.permutation(len(triplets))
        batches = []
        for start in range(0, len(order), config.batch_size):
            part = order[start : start + config.batch_size]
            indices, positions = np.unique(triplets[part], return_inverse=True)
            batches.append(Batch(indices=indices, triplets=positions.reshape(-1, 3), mined=mined[part]))
        return Plan(batches=batches, figures={"mined_share": float(mined.mean()), **figures})

    def _drawn_anchors(self, random: np.random.Generator) -> NDArray[np.bool_]:
        """Return (N,) which pictures are anchors in this epoch."""
        count = len(self._labels)
        if self._config.anchor_share == 1:
            return np.ones(count, np.bool_)
        drawn = np.zeros(count, np.bool_)
        drawn[random.permutation(count)[: max(1, round(self._config.anchor_share * count))]] = True
        return drawn
