"""The proxy-anchor loss: Kim et al., CVPR 2020, arXiv 2003.13911, equation 4."""

import torch
from torch import Tensor
from torch.nn.functional import normalize

from smserve.errors import InvalidInput
from training.losses.baselines.upstream import metric_learning
from training.losses.pair_loss import PairLoss, PairValue

__all__ = ["ProxyAnchor"]


class ProxyAnchor(PairLoss):
    """Every class has a learned proxy, the anchor that its pictures are drawn to and all others pushed from.

    Active are the pictures (B,) that are nearer to the proxy of another class than to their own.
    """

    def __init__(self, *, classes: int, dimension: int, alpha: float = 32.0, delta: float = 0.1) -> None:
        """Draw proxies (classes, dimension) from torch's global generator.

        Args:
            classes: Labels are 0..classes-1.
            dimension: D.
            alpha: Scale; larger attends to the hardest pictures alone.
            delta: Margin, in cosine.

        Raises:
            Unavailable: pytorch-metric-learning is not installed.
        """
        super().__init__()
        self._classes = classes
        self.loss = metric_learning().losses.ProxyAnchorLoss(
            num_classes=classes, embedding_size=dimension, margin=delta, alpha=alpha
        )

    def forward(self, embeddings: Tensor, labels: Tensor, triplets: Tensor | None = None) -> PairValue:  # noqa: ARG002 - it takes all pictures
        """See `PairLoss`.

        Raises:
            InvalidInput: A label has no proxy.
        """
        if not 0 <= int(labels.min()) <= int(labels.max()) < self._classes:
            raise InvalidInput(
                f"labels are {int(labels.min())} to {int(labels.max())}; wanted 0 to {self._classes - 1}, since there "
                f"are proxies of {self._classes} classes",
                field="labels",
            )
        loss = self.loss(embeddings, labels)
        with torch.no_grad():
            cosines = normalize(embeddings) @ normalize(self.loss.proxies).T  # (B, C)
            own = cosines.gather(1, labels[:, None])
            other = cosines.scatter(1, labels[:, None], -torch.inf).amax(1, keepdim=True)
        return PairValue(loss=loss, active=(other > own)[:, 0])
