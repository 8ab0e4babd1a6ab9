"""A navigating spreading-out graph (Fu et al., VLDB 2019) by faiss: training's one owner of faiss.

Its edges follow the rule of the paper's FANNG: an edge a->b hides a->c when b lies nearer both to a and to c than they
lie to each other. HNSW applies the rule as well, but to the vertices that came before only; its walks stayed below 98 %
at any size of its parameters where these arrive.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

__all__ = ["GraphParameters", "NavigatingGraph"]

_LISTED = 60  # length of the approximate lists that the graph is built from
_KMEANS_STEPS = 5
_POINTS_PER_CELL = 64  # that k-means looks at


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphParameters:
    """How much is spent on a graph.

    Attributes:
        out_degree: R: edges a vertex may have; the rule above leaves most with fewer.
        effort: L: vertices kept at hand while a vertex's edges are looked for; 2 L are then judged.
        cells: Of about sqrt(V), how many are scanned for the lists that the graph is built from.
    """

    out_degree: int = 30
    effort: int = 100
    cells: int = 16

    def larger(self) -> "GraphParameters":
        """Return the parameters of the next try."""
        return GraphParameters(out_degree=self.out_degree * 3 // 2, effort=self.effort * 2, cells=self.cells * 2)


class NavigatingGraph:
    """The graph of V distinct vectors.

    Attributes:
        edges: (V, R) int32, the ends of each vertex's edges; -1 in empty places.
    """

    def __init__(self, vectors: NDArray[np.float32], parameters: GraphParameters, *, seed: int) -> None:
        """Build it of (V, D), V at least 8.

        Edges are laid on one thread: on several, faiss lays some of them (a tenth of the vertices' differ) in the order
        of arrival, and the same seed would no longer give the same training. The rest takes torch's threads.
        """
        import faiss

        with _threads(torch.get_num_threads()):
            lists = _approximate_lists(vectors, parameters, seed)
        index = faiss.IndexNSGFlat(vectors.shape[1], parameters.out_degree)
        # faiss fills its queue of L with different vertices, for ever if there are fewer.
        index.nsg.L = min(parameters.effort, len(vectors) // 2)
        index.nsg.C = 2 * parameters.effort
        with _threads(1):
            index.build(vectors, lists)
        graph = index.nsg.get_final_graph()
        self.edges: NDArray[np.int32] = (
            faiss.rev_swig_ptr(graph.data, len(vectors) * graph.K).reshape(len(vectors), graph.K).copy()
        )
        del graph, index
        self._vectors = vectors
        self._searched = _as_one_layer(vectors, self.edges)

    def nearest(self, vertices: NDArray[np.int64], count: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Search from each of the vertices (A,) for what lies nearest to it, itself included.

        Returns:
            Vertices (A, count), nearest first, -1 in empty places; and squared distances.
        """
        import faiss

        queries = np.ascontiguousarray(self._vectors[vertices])
        entries = vertices.astype(np.int32)
        entry_distances = np.zeros(len(vertices), np.float32)
        found = np.empty((len(vertices), count), np.int64)
        distances = np.empty((len(vertices), count), np.float32)
        settings = faiss.SearchParametersHNSW(efSearch=2 * count)
        # faiss has no Python face for a search from given vertices: it takes bare pointers, to arrays that live on.
        arrays = [faiss.swig_ptr(array) for array in (queries, entries, entry_distances, distances, found)]
        with _threads(torch.get_num_threads()):
            self._searched.search_level_0(len(vertices), arrays[0], count, *arrays[1:], 1, 1, settings)
        return found, distances


def _approximate_lists(vectors: NDArray[np.float32], parameters: GraphParameters, seed: int) -> NDArray[np.int64]:
    """Return (V, k) most of each vector's nearest others: those in the cells of a k-means that lie round it."""
    import faiss

    total, dimension = vectors.shape
    listed = min(_LISTED, total - 1)
    cells = int(total**0.5)
    coarse = faiss.IndexFlatL2(dimension)
    index = faiss.IndexIVFFlat(coarse, dimension, cells)
    index.cp.seed = seed % 2**31
    index.cp.niter = _KMEANS_STEPS
    index.cp.min_points_per_centroid = 1  # below 39 faiss warns
    index.cp.max_points_per_centroid = _POINTS_PER_CELL
    index.train(vectors)
    index.add(vectors)
    index.nprobe = min(parameters.cells, cells)
    _, found = index.search(vectors, listed + 1)
    own = found == np.arange(total)[:, np.newaxis]
    own[~own.any(1), -1] = True
    lists: NDArray[np.int64] = found[~own].reshape(total, listed)
    # Small cells leave places empty; any other vertex serves there, since the graph judges all of them.
    others = (np.arange(total)[:, np.newaxis] + 1 + np.arange(listed)) % total
    return np.where(lists < 0, others, lists)


def _as_one_layer(vectors: NDArray[np.float32], edges: NDArray[np.int32]) -> Any:
    """Return an HNSW index whose one layer is `edges`: faiss searches it from any vertex, an NSG from its centre."""
    import faiss

    index = faiss.IndexHNSWFlat(vectors.shape[1], max(2, edges.shape[1] // 2))
    index.hnsw.set_nb_neighbors(0, edges.shape[1])
    index.init_level0 = False
    faiss.copy_array_to_vector(np.ones(len(vectors), np.int32), index.hnsw.levels)
    index.add(vectors)
    faiss.copy_array_to_vector(edges.ravel(), index.hnsw.neighbors)
    return index


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
