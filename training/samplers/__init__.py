"""Which pictures meet in a batch. Other ways come in by implementing `Sampler` and a line in `build_sampler`."""

import numpy as np
from numpy.typing import NDArray

from training.config import SamplerConfig
from training.samplers.class_batches import ClassSampler
from training.samplers.plan import Batch, Neighbours, Plan, Sampler
from training.samplers.triplet_batches import TripletSampler

__all__ = ["Batch", "ClassSampler", "Neighbours", "Plan", "Sampler", "TripletSampler", "build_sampler"]


def build_sampler(config: SamplerConfig, labels: NDArray[np.int64]) -> Sampler:
    """Return the sampler of a config for a training set with these labels (N,)."""
    kinds: dict[str, type[TripletSampler] | type[ClassSampler]] = {"triplets": TripletSampler, "classes": ClassSampler}
    return kinds[config.kind](config, labels)
