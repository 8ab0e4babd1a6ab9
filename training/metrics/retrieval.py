"""Recall@K and MAP@R, each picture asking all others: both from one pass of tiled top-k."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from training.neighbours import nearest_neighbours

__all__ = ["RetrievalFigures", "retrieval_figures"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalFigures:
    """All in [0, 1].

    Attributes:
        recall: K -> share of queries with a picture of their class among the K nearest others.
        map_at_r: Mean average precision at R (Musgrave et al., ECCV 2020, arXiv 2003.08505, section 3.2): R is the
            number of other pictures of the query's class, and precision counts where the neighbour is right.
    """

    recall: dict[int, float]
    map_at_r: float


def retrieval_figures(embeddings: Tensor, labels: Tensor, ks: Sequence[int] = (1, 2, 4, 8)) -> RetrievalFigures:
    """Measure leave-one-out retrieval.

    A picture whose class has no other is no query: nothing right could be found.

    Args:
        embeddings: (N, D) float32, unit norm.
        labels: (N,).
        ks: Values of K; one above N - 1 counts all others.
    """
    labels = labels.cpu()
    others = torch.bincount(labels)[labels] - 1  # (N,) R of each query
    length = max(*ks, int(others.max()))
    indices, _ = nearest_neighbours(embeddings, length)
    queries = others > 0
    right = (labels[indices] == labels[:, None])[queries]  # (Q, k)
    recall = {k: float(right[:, :k].any(1).double().mean()) for k in ks}
    ranks = torch.arange(1, right.shape[1] + 1)
    counted = right & (ranks <= others[queries][:, None])
    precision = right.cumsum(1).double() / ranks
    map_at_r = float(((precision * counted).sum(1) / others[queries]).mean())
    return RetrievalFigures(recall=recall, map_at_r=map_at_r)
