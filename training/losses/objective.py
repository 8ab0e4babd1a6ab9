"""The training objective: a loss of pairs or triplets, plus the global loss (J of Harwood et al., ICCV 2017)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from training.config import LossConfig
from training.losses.global_loss import global_loss
from training.losses.multi_similarity import multi_similarity_loss
from training.losses.triplet_ratio import triplet_ratio_loss

__all__ = ["LossValue", "Objective"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LossValue:
    """What one batch costs.

    Attributes:
        total: The scalar to minimise.
        pair: The part of pairs or triplets, a scalar.
        spread: The global loss, a scalar; zero where it is left out.
        active: Which triplets cost something, (T,) bool; or, for all pairs of a batch, which positive pairs have a
            negative that is nearer to their anchor. Its mean is the error e that the controller sees.
    """

    total: Tensor
    pair: Tensor
    spread: Tensor
    active: Tensor


class Objective:
    """Computes the loss of a batch as a `LossConfig` says."""

    def __init__(self, config: LossConfig) -> None:
        self._config = config
        self.needs_triplets = config.pair == "triplet_ratio"

    def __call__(self, embeddings: Tensor, labels: Tensor, triplets: Tensor | None) -> LossValue:
        """Return the loss of embeddings (B, D), labels (B,) and, where the objective needs them, triplets (T, 3)."""
        embeddings = embeddings.float()
        if self.needs_triplets:
            if triplets is None:
                raise ValueError("the triplet ratio loss was given no triplets")
            costs = triplet_ratio_loss(embeddings, triplets, margin=self._config.ratio_margin)
            pair, active = costs.mean(), costs.detach() > 0
            positive, negative = _pairs_of_triplets(triplets, len(embeddings))
        else:
            pair, active = multi_similarity_loss(embeddings, labels).mean(), _violated(embeddings.detach(), labels)
            positive, negative = _pairs_of_batch(labels)
        spread = pair.new_zeros(())
        if self._config.global_weight:
            quarter = (2 - 2 * embeddings @ embeddings.T) / 4  # squared distance / 4, in [0, 1]
            spread = global_loss(
                quarter[positive],
                quarter[negative],
                margin=self._config.global_margin,
                weight=self._config.global_lambda,
            )
        return LossValue(total=pair + self._config.global_weight * spread, pair=pair, spread=spread, active=active)


def _pairs_of_triplets(triplets: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return masks (B, B) of the pairs (a, p) and (a, n) that occur in triplets; each pair counts once."""
    masks = torch.zeros((2, count, count), dtype=torch.bool, device=triplets.device)
    anchor, positive, negative = triplets.unbind(1)
    masks[0, anchor, positive] = True
    masks[1, anchor, negative] = True
    return masks[0], masks[1]


def _pairs_of_batch(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return masks (B, B) of all pairs of a class and of all others; each pair counts once."""
    same = labels[:, None] == labels[None, :]
    once = torch.ones_like(same).triu(1)
    return same & once, ~same & once


def _violated(embeddings: Tensor, labels: Tensor) -> Tensor:
    """Return for each ordered positive pair whether a negative of the batch is nearer to its anchor."""
    cosines = embeddings @ embeddings.T
    same = labels[:, None] == labels[None, :]
    nearest_negative = cosines.masked_fill(same, -torch.inf).amax(1, keepdim=True)
    positive = same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    return (nearest_negative > cosines)[positive]
