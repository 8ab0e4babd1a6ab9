"""What a reader compares the paper with, as adapters of pytorch-metric-learning, which is imported on first use."""

from training.losses.baselines.batch_hard import BatchHardTriplets
from training.losses.baselines.margin import DistanceWeightedMargin
from training.losses.baselines.memory import CrossBatchMemory
from training.losses.baselines.proxy_anchor import ProxyAnchor
from training.losses.baselines.semi_hard import SemiHardTriplets

__all__ = ["BatchHardTriplets", "CrossBatchMemory", "DistanceWeightedMargin", "ProxyAnchor", "SemiHardTriplets"]
