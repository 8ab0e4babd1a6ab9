"""From a config to its loss. Another loss comes in by implementing `PairLoss` and a line in `_BUILDERS`."""

from collections.abc import Callable, Mapping
from typing import Final

from training.config import LossConfig
from training.losses.baselines import (
    BatchHardTriplets,
    CrossBatchMemory,
    DistanceWeightedMargin,
    ProxyAnchor,
    SemiHardTriplets,
)
from training.losses.multi_similarity import MultiSimilarity
from training.losses.pair_loss import PairLoss
from training.losses.triplet_ratio import RatioTriplets

__all__ = ["build_pair_loss"]


def build_pair_loss(config: LossConfig, *, classes: int, dimension: int) -> PairLoss:
    """Return the loss that `config.pair` names, for labels 0..classes-1 and embeddings of `dimension`.

    Raises:
        Unavailable: It is a baseline, and the library that it comes from is not installed.
    """
    return _BUILDERS[config.pair](config, classes, dimension)


def _multi_similarity(config: LossConfig) -> dict[str, float]:
    return {
        "alpha": config.similarity_alpha,
        "beta": config.similarity_beta,
        "base": config.similarity_base,
        "epsilon": config.similarity_epsilon,
    }


def _margin(config: LossConfig, classes: int, _dimension: int) -> PairLoss:
    return DistanceWeightedMargin(
        classes=classes if config.boundary_per_class else None,
        margin=config.margin,
        boundary=config.boundary,
        nu=config.boundary_nu,
        nearest=config.sampling_nearest,
        farthest=config.sampling_farthest,
    )


def _proxy_anchor(config: LossConfig, classes: int, dimension: int) -> PairLoss:
    return ProxyAnchor(classes=classes, dimension=dimension, alpha=config.proxy_alpha, delta=config.proxy_delta)


def _cross_batch_memory(config: LossConfig, _classes: int, dimension: int) -> PairLoss:
    return CrossBatchMemory(
        dimension=dimension,
        size=config.memory_size,
        start=config.memory_start,
        loss=config.memory_loss,
        contrastive_margin=config.contrastive_margin,
        **_multi_similarity(config),
    )


_BUILDERS: Final[Mapping[str, Callable[[LossConfig, int, int], PairLoss]]] = {
    "triplet_ratio": lambda config, _classes, _dimension: RatioTriplets(margin=config.ratio_margin),
    "multi_similarity": lambda config, _classes, _dimension: MultiSimilarity(**_multi_similarity(config)),
    "semi_hard": lambda config, _classes, _dimension: SemiHardTriplets(margin=config.margin),
    "batch_hard": lambda config, _classes, _dimension: BatchHardTriplets(margin=config.margin),
    "margin": _margin,
    "proxy_anchor": _proxy_anchor,
    "cross_batch_memory": _cross_batch_memory,
}
