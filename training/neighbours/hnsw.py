"""A neighbour graph by faiss, training's one owner of it: HNSW, its base layer linked a second time.

Edges follow the rule of the paper's FANNG: a->b hides a->c when b lies nearer both to a and to c than they lie to each
other. HNSW applies the rule too, but a vertex judges only those that came before it, and too few walks arrive however
large its parameters. So every vertex then judges what a search from it finds in the finished graph, with the edges that
it had (Fu et al., VLDB 2019, link theirs like this). faiss has that graph as well, NSG, but its builder never returns
where vectors have little structure: it looks for a vertex with a free edge, and there is none.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

__all__ = ["GraphParameters", "RelinkedGraph"]

Indices = NDArray[np.int64]
Distances = NDArray[np.float32]

_ROWS = 2**13  # vertices searched from, or measured, at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphParameters:
    """How much is spent on a graph.

    Attributes:
        links: HNSW's M, which has up to 2 M edges a vertex.
        effort: HNSW's efConstruction: vertices kept at hand while edges are looked for.
        candidates: Nearest vertices that each judges when it is linked again.
        out_degree: Edges a vertex may have then; the rule leaves most with fewer.
    """

    links: int = 16
    effort: int = 100
    candidates: int = 200
    out_degree: int = 40

    def larger(self) -> "GraphParameters":
        """Return the parameters of the next try."""
        return GraphParameters(
            links=self.links * 3 // 2,
            effort=self.effort * 2,
            candidates=self.candidates * 2,
            out_degree=self.out_degree * 3 // 2,
        )


class RelinkedGraph:
    """The graph of V distinct vectors.

    Attributes:
        edges: (V, R) int32, the ends of each vertex's edges; -1 in empty places.
    """

    def __init__(self, vectors: NDArray[np.float32], parameters: GraphParameters) -> None:
        """Build it of (V, D), V at least 2, on torch's threads; on any number of them it comes out the same."""
        import faiss

        first = faiss.IndexHNSWFlat(vectors.shape[1], parameters.links)
        first.hnsw.efConstruction = parameters.effort
        # Before faiss 1.15, vertices that are added at the same time find each other or don't.
        alike = hasattr(first.hnsw, "compute_forward_links_deterministic")
        with _threads(torch.get_num_threads() if alike else 1):
            first.add(vectors)
        ends, distances = _candidates(first, vectors, parameters.candidates)
        del first
        self._vectors = vectors
        self._index = _one_layer(vectors, parameters.out_degree)
        with _threads(torch.get_num_threads()):
            self._index.init_level_0_from_knngraph(ends.shape[1], faiss.swig_ptr(distances), faiss.swig_ptr(ends))
        del ends, distances
        self.edges = _with_ways_back(vectors, _base_layer(self._index))
        faiss.copy_array_to_vector(self.edges.ravel(), self._index.hnsw.neighbors)

    def nearest(self, vertices: Indices, count: int) -> tuple[Indices, Distances]:
        """Search from each of the vertices (A,) for what lies nearest to it, itself included.

        Returns:
            Vertices (A, count), nearest first, -1 in empty places; and squared distances.
        """
        return _search(self._index, self._vectors, vertices, count, effort=2 * count)


def _search(
    index: Any, vectors: NDArray[np.float32], vertices: Indices, count: int, *, effort: int
) -> tuple[Indices, Distances]:
    """Return the nearest that a search of the base layer finds from each vertex (A,): (A, count), with distances."""
    import faiss

    queries = np.ascontiguousarray(vectors[vertices])
    entries = vertices.astype(np.int32)
    entry_distances = np.zeros(len(vertices), np.float32)
    found = np.empty((len(vertices), count), np.int64)
    distances = np.empty((len(vertices), count), np.float32)
    settings = faiss.SearchParametersHNSW(efSearch=effort)
    # faiss has no Python face for a search from given vertices: it takes bare pointers, to arrays that live on.
    arrays = [faiss.swig_ptr(array) for array in (queries, entries, entry_distances, distances, found)]
    with _threads(torch.get_num_threads()):
        index.search_level_0(len(vertices), arrays[0], count, *arrays[1:], 1, 1, settings)
    return found, distances


def _candidates(index: Any, vectors: NDArray[np.float32], count: int) -> tuple[Indices, Distances]:
    """Return what each vertex judges: (V, C), found from it and linked to it, with distances; -1 in last places."""
    links = _base_layer(index)
    total, count = len(vectors), min(count + 1, len(vectors))
    ends = np.empty((total, count + links.shape[1]), np.int64)
    distances = np.empty(ends.shape, np.float32)
    for start in range(0, total, _ROWS):
        own = np.arange(start, min(start + _ROWS, total))
        found, reach = _search(index, vectors, own, count, effort=count)
        # faiss passes over a vertex's own number, but reads no further than -1.
        ends[own, :count] = np.where(found < 0, own[:, np.newaxis], found)
        distances[own, :count] = reach
        ends[own, count:] = links[own]
        distances[own, count:] = _lengths(vectors, own, links[own])
    return ends, distances


def _lengths(vectors: NDArray[np.float32], own: Indices, ends: NDArray[np.int32]) -> Distances:
    """Return the squared lengths (A, K) of the edges of some vertices (A,)."""
    differences = vectors[ends] - vectors[own, np.newaxis]
    squared: Distances = np.einsum("akd,akd->ak", differences, differences)
    return squared


def _with_ways_back(vectors: NDArray[np.float32], edges: NDArray[np.int32]) -> NDArray[np.int32]:
    """Give each edge (V, R) its way back while its end has places left, the shortest first."""
    total, places = edges.shape
    start, column = np.nonzero(edges >= 0)
    end = edges[start, column].astype(np.int64)
    lengths = np.concatenate(
        [
            _lengths(vectors, own, edges[own])[edges[own] >= 0]
            for own in (np.arange(row, min(row + _ROWS, total)) for row in range(0, total, _ROWS))
        ]
    )
    known = start * total + end
    back = np.flatnonzero(~np.isin(end * total + start, known))
    order = back[np.lexsort((start[back], lengths[back], end[back]))]
    taken = (edges >= 0).sum(1)
    begin, last = end[order], start[order]  # the ways back, by the vertex that they leave
    place = taken[begin] + np.arange(len(begin)) - np.searchsorted(begin, begin)
    fits = place < places
    both = edges.copy()
    both[begin[fits], place[fits]] = last[fits]
    return both


def _one_layer(vectors: NDArray[np.float32], out_degree: int) -> Any:
    """Return an HNSW index of one layer without edges."""
    import faiss

    index = faiss.IndexHNSWFlat(vectors.shape[1], max(2, out_degree // 2))
    index.hnsw.set_nb_neighbors(0, out_degree)
    index.init_level0 = False
    faiss.copy_array_to_vector(np.ones(len(vectors), np.int32), index.hnsw.levels)
    index.add(vectors)
    return index


def _base_layer(index: Any) -> NDArray[np.int32]:
    """Return (V, R): the edges of an HNSW index's lowest layer; -1 in the last places where there are fewer."""
    import faiss

    neighbours = faiss.vector_to_array(index.hnsw.neighbors)
    begin = faiss.vector_to_array(index.hnsw.offsets).astype(np.int64)[:-1]
    edges: NDArray[np.int32] = neighbours[begin[:, np.newaxis] + np.arange(index.hnsw.nb_neighbors(0))]
    return edges


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Let faiss use `count` threads for a while."""
    import faiss

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(count)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
