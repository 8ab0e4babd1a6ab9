"""The objective, and its parts on plain tensors: for another trainer, call `SemiHardTriplets()(embeddings, labels)`.

The triplet ratio and global losses, which are the paper's, take pairs and triplets as they are given and don't mine.
The others are what a reader compares them with; those of `baselines` need pytorch-metric-learning (the `bench` extra).
"""

from training.losses.baselines import (
    BatchHardTriplets,
    CrossBatchMemory,
    DistanceWeightedMargin,
    ProxyAnchor,
    SemiHardTriplets,
)
from training.losses.global_loss import global_loss
from training.losses.multi_similarity import MultiSimilarity, multi_similarity_loss
from training.losses.objective import LossValue, Objective
from training.losses.pair_loss import PairLoss, PairValue
from training.losses.triplet_ratio import RatioTriplets, triplet_ratio_loss

__all__ = [
    "BatchHardTriplets",
    "CrossBatchMemory",
    "DistanceWeightedMargin",
    "LossValue",
    "MultiSimilarity",
    "Objective",
    "PairLoss",
    "PairValue",
    "ProxyAnchor",
    "RatioTriplets",
    "SemiHardTriplets",
    "global_loss",
    "multi_similarity_loss",
    "triplet_ratio_loss",
]
