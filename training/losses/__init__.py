"""The objective, and its parts on plain tensors. Losses take pairs and triplets as they are given; they don't mine."""

from training.losses.global_loss import global_loss
from training.losses.multi_similarity import multi_similarity_loss
from training.losses.objective import LossValue, Objective
from training.losses.triplet_ratio import triplet_ratio_loss

__all__ = ["LossValue", "Objective", "global_loss", "multi_similarity_loss", "triplet_ratio_loss"]
