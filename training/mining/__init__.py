"""Which triplets to learn from. Miners return indices; they don't score."""

from training.mining.all_triplets import all_triplets
from training.mining.neighbour_classes import neighbour_classes
from training.mining.smart import MinedTriplets, choose_kappa, mine_triplets, random_triplets

__all__ = [
    "MinedTriplets",
    "all_triplets",
    "choose_kappa",
    "mine_triplets",
    "neighbour_classes",
    "random_triplets",
]
