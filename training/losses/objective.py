"""The training objective: a loss of pairs or triplets, plus the global loss (J of Harwood et al., ICCV 2017)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from smserve.errors import InvalidInput
from training.config import LossConfig
from training.losses.batch_pairs import pairs_of_batch, pairs_of_triplets
from training.losses.build import build_pair_loss
from training.losses.global_loss import global_loss
from training.losses.pair_loss import PairValue

__all__ = ["LossValue", "Objective"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LossValue:
    """What one batch costs.

    Attributes:
        total: The scalar to minimise.
        pair: The part of pairs or triplets, a scalar.
        spread: The global loss, a scalar; zero where it is left out.
        active: Which of the triplets or pairs that a loss looks at cost something, (T,) bool; each `PairLoss` says
            what it means by that. Its mean is the error e that the controller sees.
        anchors: The place in the batch of the anchor of each of them, (T,); None where the loss doesn't tell.
    """

    total: Tensor
    pair: Tensor
    spread: Tensor
    active: Tensor
    anchors: Tensor | None = None


class Objective(nn.Module):
    """Computes the loss of a batch as a `LossConfig` says.

    A loss may learn and remember: its parameters belong in the optimizer, its `state_dict` in the checkpoint.
    """

    def __init__(self, config: LossConfig, *, classes: int, dimension: int) -> None:
        """Build the loss for labels 0..classes-1 and embeddings of `dimension`; first values are torch's to draw.

        Raises:
            InvalidInput: There are no classes or dimensions.
            Unavailable: A baseline's library is not installed.
        """
        super().__init__()
        if classes < 1 or dimension < 1:
            raise InvalidInput(
                f"the loss was given {classes} classes and dimension {dimension}; wanted 1 or more", field="classes"
            )
        self.pair = build_pair_loss(config, classes=classes, dimension=dimension)
        self.needs_triplets = self.pair.needs_triplets
        self._config = config
        self._dimension = dimension

    def forward(self, embeddings: Tensor, labels: Tensor, triplets: Tensor | None = None) -> LossValue:
        """Return the loss of embeddings (B, D), labels (B,) and, where the objective needs them, triplets (T, 3).

        Embeddings that are no numbers cost what is no number either.

        Raises:
            InvalidInput: A shape is another, or a label is no class.
        """
        self._check(embeddings, labels, triplets)
        embeddings = embeddings.float()
        if not bool(torch.isfinite(embeddings).all()):  # a miner may find no pairs there, and call it free
            wrong = embeddings.sum()
            return LossValue(total=wrong, pair=wrong, spread=wrong, active=labels.new_zeros(0, dtype=torch.bool))
        value: PairValue = self.pair(embeddings, labels, triplets)
        spread = value.loss.new_zeros(())
        if self._config.global_weight:
            if triplets is not None and self.needs_triplets:
                positive, negative = pairs_of_triplets(triplets, len(embeddings))
            else:
                positive, negative = pairs_of_batch(labels)
            quarter = (2 - 2 * embeddings @ embeddings.T) / 4  # squared distance / 4, in [0, 1]
            spread = global_loss(
                quarter[positive],
                quarter[negative],
                margin=self._config.global_margin,
                weight=self._config.global_lambda,
            )
        total = value.loss + self._config.global_weight * spread
        return LossValue(total=total, pair=value.loss, spread=spread, active=value.active, anchors=value.anchors)

    def _check(self, embeddings: Tensor, labels: Tensor, triplets: Tensor | None) -> None:
        if embeddings.ndim != 2 or embeddings.shape[1] != self._dimension or not len(embeddings):
            raise InvalidInput(
                f"embeddings have shape {tuple(embeddings.shape)}; wanted (B, {self._dimension})", field="embeddings"
            )
        if labels.shape != embeddings.shape[:1]:
            raise InvalidInput(
                f"labels have shape {tuple(labels.shape)}; wanted ({len(embeddings)},), one an embedding",
                field="labels",
            )
        if triplets is not None and (triplets.ndim != 2 or triplets.shape[1] != 3):
            raise InvalidInput(f"triplets have shape {tuple(triplets.shape)}; wanted (T, 3)", field="triplets")
