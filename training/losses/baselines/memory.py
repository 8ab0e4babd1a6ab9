"""Cross-batch memory: Wang et al., CVPR 2020, arXiv 1912.06798, algorithm 1."""

from typing import Literal

import torch
from torch import Tensor

from smserve.errors import InvalidInput
from training.losses.baselines.upstream import metric_learning
from training.losses.batch_pairs import violated_pairs
from training.losses.pair_loss import PairLoss, PairValue

__all__ = ["CrossBatchMemory"]


class CrossBatchMemory(PairLoss):
    """A loss between the pictures of a batch and the embeddings of earlier batches, which are remembered.

    The batch itself joins the memory first, but a picture is never its own positive in that step. Earlier embeddings of
    the same picture are positives, as in that paper. In eval mode, and in the first `start` steps, the loss is between
    the pictures of the batch and nothing is remembered. Active are the batch's ordered positive pairs that have a
    nearer negative in the batch.
    """

    def __init__(
        self,
        *,
        dimension: int,
        size: int = 1024,
        start: int = 0,
        loss: Literal["contrastive", "multi_similarity"] = "contrastive",
        contrastive_margin: float = 0.5,
        alpha: float = 2.0,
        beta: float = 40.0,
        base: float = 0.5,
        epsilon: float = 0.1,
    ) -> None:
        """Start with an empty memory.

        Args:
            dimension: D.
            size: Embeddings to remember, the latest ones.
            start: Training steps before anything is remembered.
            loss: "contrastive" on cosines: 1 - s of positives, s - margin of negatives above the margin, each averaged
                over those that cost something. Or "multi_similarity", with its own mining.
            contrastive_margin: The margin of the first.
            alpha: Of the second, as for `MultiSimilarity`.
            beta: Of the second.
            base: Of the second.
            epsilon: Of the second.

        Raises:
            Unavailable: pytorch-metric-learning is not installed.
        """
        super().__init__()
        library = metric_learning()
        if loss == "contrastive":
            self.loss = library.losses.ContrastiveLoss(
                pos_margin=1, neg_margin=contrastive_margin, distance=library.distances.CosineSimilarity()
            )
            self.miner = None
        else:
            self.loss = library.losses.MultiSimilarityLoss(alpha=alpha, beta=beta, base=base)
            self.miner = library.miners.MultiSimilarityMiner(epsilon=epsilon)
        self.memory = library.losses.CrossBatchMemory(
            self.loss, embedding_size=dimension, memory_size=size, miner=self.miner
        )
        self._size = size
        self._start = start
        self._steps = 0

    def forward(self, embeddings: Tensor, labels: Tensor, triplets: Tensor | None = None) -> PairValue:  # noqa: ARG002 - it takes all pairs
        """See `PairLoss`.

        Raises:
            InvalidInput: The batch is larger than the memory.
        """
        if len(embeddings) > self._size:
            raise InvalidInput(
                f"the memory holds {self._size} embeddings, the batch has {len(embeddings)}; wanted a memory_size of "
                "at least a batch",
                field="memory_size",
            )
        if self.training and self._steps >= self._start:
            loss = self._against_memory(embeddings, labels)
        else:
            loss = self.loss(embeddings, labels, self.miner(embeddings, labels) if self.miner else None)
        self._steps += self.training
        return PairValue(loss=loss, active=violated_pairs(embeddings, labels))

    def _against_memory(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        if len(embeddings) == 1:  # the library would take a single picture for its own positive
            return 0 * embeddings.sum()
        loss: Tensor = self.memory(embeddings, labels)
        return loss

    def get_extra_state(self) -> Tensor:
        """Return what the library leaves out of the state: place in the memory, whether it is full, steps."""
        return torch.tensor([self.memory.queue_idx, int(self.memory.has_been_filled), self._steps])

    def set_extra_state(self, state: Tensor) -> None:
        """Go on where a checkpoint stopped."""
        place, filled, self._steps = (int(each) for each in state)
        self.memory.queue_idx = place
        self.memory.has_been_filled = bool(filled)
