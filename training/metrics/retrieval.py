"""Recall@K, MAP@R and R-precision, each picture asking all others or a gallery: all from one pass of tiled top-k."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from smserve.errors import InvalidInput
from training.neighbours.exact import neighbour_tiles

__all__ = ["RetrievalFigures", "retrieval_figures"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalFigures:
    """All in [0, 1]; not a number where no query has anything to find.

    Attributes:
        recall: K -> share of queries with a picture of their class among the K nearest.
        map_at_r: Mean average precision at R (Musgrave et al., ECCV 2020, arXiv 2003.08505, section 3.2): R is the
            number of pictures of the query's class that it could find, and precision counts where a neighbour is right.
        r_precision: Mean share of the R nearest that are of the query's class.
    """

    recall: dict[int, float]
    map_at_r: float
    r_precision: float


def retrieval_figures(
    embeddings: Tensor,
    labels: Tensor,
    ks: Sequence[int] = (1, 2, 4, 8),
    *,
    gallery: Tensor | None = None,
    gallery_labels: Tensor | None = None,
) -> RetrievalFigures:
    """Measure retrieval: each picture is a query that asks all others, or asks a gallery that it is not part of.

    A picture whose class has no other there is no query: nothing right could be found. Means are over queries, not over
    classes. Memory is that of a tile of cosines, and a few numbers a picture.

    Args:
        embeddings: (N, D) float32, unit norm, on any device.
        labels: (N,) integers.
        ks: Values of K; one above the number of pictures to find counts them all.
        gallery: (G, D), on the same device.
        gallery_labels: (G,) integers.

    Raises:
        InvalidInput: Lengths don't match, a K is below 1, or of gallery and its labels only one is given.
    """
    _check(embeddings, labels, ks, gallery, gallery_labels)
    together = labels if gallery_labels is None else torch.cat([labels.cpu(), gallery_labels.cpu()])
    numbers = torch.from_numpy(np.unique(together.cpu().numpy(), return_inverse=True)[1]).to(embeddings.device)
    classes = numbers[: len(labels)]  # 0..C-1
    asked = classes if gallery_labels is None else numbers[len(labels) :]
    pictures = asked.bincount(minlength=len(numbers))  # of each class, among those asked
    relevant = pictures[classes] - (1 if gallery_labels is None else 0)  # (N,) R
    queries = int((relevant > 0).sum())
    if queries == 0:
        nothing = float("nan")
        return RetrievalFigures(recall=dict.fromkeys(ks, nothing), map_at_r=nothing, r_precision=nothing)
    length = max([*ks, int(relevant.max())])
    firsts, precision_sum, share_sum = [], 0.0, 0.0
    for tile in neighbour_tiles(embeddings, length, gallery=gallery):
        rows = slice(tile.start, tile.start + len(tile.indices))
        right = asked[tile.indices] == classes[rows, None]  # (rows, k)
        firsts.append(torch.where(right.any(1), right.byte().argmax(1) + 1, length + 1))  # rank of the first right one
        precision, share = _at_r(right, relevant[rows])
        precision_sum += precision
        share_sum += share
    first = torch.cat(firsts)[relevant > 0]
    return RetrievalFigures(
        recall={k: int((first <= k).sum()) / queries for k in ks},
        map_at_r=precision_sum / queries,
        r_precision=share_sum / queries,
    )


def _at_r(right: Tensor, relevant: Tensor) -> tuple[float, float]:
    """Return the sums over queries of average precision at R and of precision at R.

    Args:
        right: (rows, k) whether a neighbour is of the query's class, nearest first; k is no smaller than any R.
        relevant: (rows,) R; nothing is right in a row where it is 0.
    """
    rows, ranks = right[:, : int(relevant.max())].nonzero(as_tuple=True)  # in order of rows, then ranks
    counted = ranks < relevant[rows]
    rows, ranks = rows[counted], ranks[counted]
    found = rows.bincount(minlength=len(right))  # (rows,) right ones among the R nearest
    before = found.cumsum(0) - found  # those of earlier rows
    order = torch.arange(1, len(rows) + 1, device=rows.device) - before[rows]  # 1 for a row's first right one
    precision = torch.zeros(len(right), dtype=torch.float64, device=right.device)
    precision.index_add_(0, rows, order / (ranks + 1).double())
    share = relevant.clamp_min(1).double()
    return float((precision / share).sum()), float((found / share).sum())


def _check(
    embeddings: Tensor, labels: Tensor, ks: Sequence[int], gallery: Tensor | None, gallery_labels: Tensor | None
) -> None:
    if len(labels) != len(embeddings):
        raise InvalidInput(f"there are {len(labels)} labels for {len(embeddings)} embeddings", field="labels")
    if any(k < 1 for k in ks):
        raise InvalidInput(f"K is {min(ks)}; wanted 1 or more", field="ks")
    if gallery is None or gallery_labels is None:
        if gallery is not gallery_labels:
            given, missing = ("labels", "embeddings") if gallery is None else ("embeddings", "labels")
            raise InvalidInput(f"the gallery's {given} came without its {missing}; give both", field="gallery")
    elif len(gallery) != len(gallery_labels):
        raise InvalidInput(
            f"there are {len(gallery_labels)} labels for {len(gallery)} embeddings of the gallery",
            field="gallery_labels",
        )
