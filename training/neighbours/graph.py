"""Every picture's nearest pictures by an approximate neighbour graph: section 3.2 of Harwood et al., ICCV 2017.

The graph is built, tried by random greedy walks, and built again with larger parameters until enough of them arrive.
Then each picture searches it from its own vertex. Below a million pictures exact search is as quick; this is for those
who want the paper's way, or have more.
"""

import time
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from smserve.errors import SmserveError
from training.neighbours.distinct import Distinct
from training.neighbours.exact import nearest_neighbours
from training.neighbours.hnsw import GraphParameters, RelinkedGraph
from training.neighbours.walks import walk_success

__all__ = ["GraphFigures", "graph_neighbours"]

_COMPLETE = 256  # up to so many distinct vectors every one is linked to all others
_ANCHORS = 2**14  # searched for at a time
_SAMPLE = 1_000
_ROUNDING = 1e-5  # of a squared distance


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphFigures:
    """How good the graph is, and what it cost.

    Attributes:
        walk_success: Share of the last graph's random walks that arrived.
        reached: Whether that is the share wanted. If not, the lists are those of exact search.
        builds: Graphs built; 0 where so few vectors differ that all are linked with all.
        out_degree: Mean number of a vertex's edges.
        seconds: For graphs, walks and lists; without the figures below.
        recall: Share of the exact lists that the lists have, on a sample of at most 1,000 anchors; of equally far
            pictures each is right.
        recall_at_1: Share of the sample whose nearest picture in the lists is of its own class; None without labels.
        recall_at_1_exact: The same by exact search.
    """

    walk_success: float
    reached: bool
    builds: int
    out_degree: float
    seconds: float
    recall: float
    recall_at_1: float | None
    recall_at_1_exact: float | None


def graph_neighbours(
    embeddings: Tensor,
    count: int,
    *,
    seed: int,
    wanted_success: float = 0.98,
    labels: Tensor | None = None,
    walks: int = 2_000,
    max_builds: int = 4,
    first: GraphParameters | None = None,
) -> tuple[Tensor, Tensor, GraphFigures]:
    """Return each row's nearest other rows, most of them, as `nearest_neighbours` does.

    The same seed gives the same lists, on any number of threads.

    Args:
        embeddings: (N, D) float32, unit norm, on any device.
        count: k; at most N - 1 come back.
        seed: Of walks and sample.
        wanted_success: Share of walks that must arrive, in [0, 1].
        labels: (N,) classes, for the figures only.
        walks: Tried on every graph.
        max_builds: Graphs tried before the lists are taken from exact search.
        first: Parameters of the first graph.

    Returns:
        Indices (N, k) int64 and squared distances (N, k) float32, ascending, on the CPU; and figures.

    Raises:
        SmserveError: An embedding isn't a number.
    """
    if not (0 <= wanted_success <= 1 and walks >= 1 and max_builds >= 1):
        raise ValueError(
            f"graph_neighbours: wanted 0 <= wanted_success <= 1, walks >= 1 and max_builds >= 1, got {wanted_success}, "
            f"{walks} and {max_builds}"
        )
    started = time.monotonic()
    embeddings = embeddings.detach().float().cpu()
    if not bool(torch.isfinite(embeddings).all()):
        raise SmserveError("some embeddings are not numbers, so they have no neighbours; lower the learning rate")
    total = len(embeddings)
    count = max(0, min(count, total - 1))
    distinct = Distinct.of(embeddings.numpy())
    random = np.random.default_rng(seed)
    graph: _Graph
    if len(distinct.vectors) <= _COMPLETE:
        graph, builds, success = _CompleteGraph(distinct.vectors), 0, 1.0
        degree = float(max(0, len(distinct.vectors) - 1))
    else:
        parameters = first or GraphParameters()
        for builds in range(1, max_builds + 1):  # noqa: B007 - read after the loop
            graph = RelinkedGraph(distinct.vectors, parameters)
            success = walk_success(distinct.vectors, graph.edges, walks, random)
            degree = float((graph.edges >= 0).sum(1).mean())
            if success >= wanted_success:
                break
            parameters = parameters.larger()
    reached = success >= wanted_success
    indices, distances = (
        _lists(graph, distinct, embeddings, count) if reached else nearest_neighbours(embeddings, count)
    )
    seconds = time.monotonic() - started

    sample = torch.from_numpy(random.permutation(total)[:_SAMPLE])
    exact_indices, exact_distances = _exact(embeddings, sample, count)
    within = distances[sample] <= exact_distances[:, -1:] + _ROUNDING
    figures = GraphFigures(
        walk_success=success,
        reached=reached,
        builds=builds,
        out_degree=degree,
        seconds=seconds,
        recall=float(within.float().mean()) if within.numel() else 1.0,
        recall_at_1=_recall_at_1(indices[sample], sample, labels),
        recall_at_1_exact=_recall_at_1(exact_indices, sample, labels),
    )
    return indices, distances, figures


class _Graph(Protocol):
    """What lists are searched in."""

    def nearest(self, vertices: NDArray[np.int64], count: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the vertices nearest to each of (A,), itself included, and squared distances, (A, count)."""


class _CompleteGraph:
    """What a `RelinkedGraph` would be with an edge from every vertex to every other, and so without misses."""

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        squared = np.empty((len(vectors), len(vectors)), np.float32)
        for row, vector in zip(squared, vectors, strict=True):
            row[:] = ((vectors - vector) ** 2).sum(1)
        self._order = np.argsort(squared, axis=1, kind="stable")
        self._squared = np.take_along_axis(squared, self._order, 1)

    def nearest(self, vertices: NDArray[np.int64], count: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the vertices nearest to each of (A,), itself included, and squared distances, (A, count)."""
        return self._order[vertices, :count], self._squared[vertices, :count]


def _lists(graph: _Graph, distinct: Distinct, embeddings: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Search for all anchors; those whose search came back short are searched for exactly."""
    total = len(embeddings)
    indices = np.empty((total, count), np.int64)
    distances = np.empty((total, count), np.float32)
    for start in range(0, total, _ANCHORS):
        anchors = np.arange(start, min(start + _ANCHORS, total))
        found = graph.nearest(distinct.vertex[anchors], min(count + 1, len(distinct.vectors)))
        indices[anchors], distances[anchors] = distinct.lists(anchors, *found, count)
    short = torch.from_numpy(np.flatnonzero((indices < 0).any(1)))
    whole = torch.from_numpy(indices), torch.from_numpy(distances)
    if len(short):
        whole[0][short], whole[1][short] = _exact(embeddings, short, count)
    return whole


def _exact(embeddings: Tensor, anchors: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return the lists of some anchors (A,) by exact search: (A, count) indices and squared distances."""
    if count == 0:
        return torch.empty((len(anchors), 0), dtype=torch.int64), torch.empty((len(anchors), 0))
    indices, distances = nearest_neighbours(embeddings[anchors], count + 1, gallery=embeddings)
    own = indices == anchors[:, None]
    own[~own.any(1), -1] = True  # so many are as near that the anchor itself comes after them
    return indices[~own].reshape(len(anchors), count), distances[~own].reshape(len(anchors), count)


def _recall_at_1(indices: Tensor, anchors: Tensor, labels: Tensor | None) -> float | None:
    if labels is None or indices.numel() == 0:
        return None
    labels = labels.cpu()
    return float((labels[indices[:, 0]] == labels[anchors]).float().mean())
