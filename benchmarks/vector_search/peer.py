"""hnswlib and usearch: `python -m benchmarks.vector_search.peer NAME DATA.npz RECALL...`."""

import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.vector_search.contender import Contender, serve
from benchmarks.vector_search.data import DIMENSION, TOP_K, Data

_EF_CONSTRUCTION = 200  # hnswlib's default; usearch's own is 128
# What takes long to build is left out above a size, where it gained little. Queries a second, measured on a busy AMD
# EPYC on one thread, at recall@10 of 0.95 (one query a call, then 64) and of 0.99 (the same): hnswlib with M = 32 had
# 0.83, 1.22, 0.92 and 0.98 times those of M = 16 on 20,000 vectors, 0.94, 1.01, 0.83 and 0.90 times on 100,000;
# usearch's whole floats, with M = 16, 0.87, 0.79 and 0.88 times those of half floats on 20,000 (the fourth was not
# measured, nor 100,000).
_SMALL = 50_000  # vectors up to which M = 32 is tried too
_MEDIUM = 200_000  # up to which usearch's whole floats are tried too
CORES = len(os.sched_getaffinity(0))


def _connectivities(data: Data) -> Sequence[int]:
    return (16, 32) if len(data.vectors) <= _SMALL else (16,)


class Hnswlib(Contender):
    """hnswlib by inner product; 16 and 32 links an item."""

    def build(self, data: Data, recalls: Sequence[float]) -> Sequence[str]:  # noqa: ARG002
        """Build with all cores."""
        hnswlib: Any = importlib.import_module("hnswlib")
        self._indexes: dict[str, Any] = {}
        for links in _connectivities(data):
            index = hnswlib.Index(space="ip", dim=DIMENSION)
            index.init_index(max_elements=len(data.vectors), M=links, ef_construction=_EF_CONSTRUCTION)
            index.add_items(data.vectors, num_threads=CORES)
            self._indexes[f"hnswlib M={links}"] = index
        return list(self._indexes)

    def use(self, name: str, effort: int, threads: int) -> None:
        """Set ef; knn_query takes the threads."""
        self._index, self._threads = self._indexes[name], threads
        self._index.set_ef(max(effort, TOP_K))

    def search_one(self, query: NDArray[np.float32]) -> Any:
        """Labels and distances."""
        return self._index.knn_query(query, TOP_K, num_threads=1)

    def search_many(self, queries: NDArray[np.float32]) -> Any:
        """Labels and distances."""
        return self._index.knn_query(queries, TOP_K, num_threads=self._threads)

    def positions(self, queries: NDArray[np.float32]) -> NDArray[np.int64]:
        """Labels are positions."""
        return np.asarray(self.search_many(queries)[0], np.int64)


class Usearch(Contender):
    """usearch by inner product; whole and half floats, 16 and 32 links an item."""

    def build(self, data: Data, recalls: Sequence[float]) -> Sequence[str]:  # noqa: ARG002
        """Build with all cores."""
        usearch: Any = importlib.import_module("usearch.index")
        self._indexes: dict[str, Any] = {}
        for links in _connectivities(data):
            for kind in ("f32", "f16") if len(data.vectors) <= _MEDIUM else ("f16",):
                index = usearch.Index(
                    ndim=DIMENSION, metric="ip", dtype=kind, connectivity=links, expansion_add=_EF_CONSTRUCTION
                )
                index.add(np.arange(len(data.vectors)), data.vectors, threads=CORES)
                self._indexes[f"usearch {kind} M={links}"] = index
        return list(self._indexes)

    def use(self, name: str, effort: int, threads: int) -> None:
        """Set the search's expansion."""
        self._index, self._threads = self._indexes[name], threads
        self._index.expansion_search = max(effort, TOP_K)

    def search_one(self, query: NDArray[np.float32]) -> Any:
        """Matches of one vector, which is its faster way."""
        return self._index.search(query[0], TOP_K, threads=1)

    def search_many(self, queries: NDArray[np.float32]) -> Any:
        """Matches of a batch."""
        return self._index.search(queries, TOP_K, threads=self._threads)

    def positions(self, queries: NDArray[np.float32]) -> NDArray[np.int64]:
        """Keys are positions."""
        return np.asarray(self.search_many(queries).keys, np.int64)


if __name__ == "__main__":
    kinds: dict[str, type[Contender]] = {"hnswlib": Hnswlib, "usearch": Usearch}
    serve(kinds[sys.argv[1]](), Data.load(Path(sys.argv[2])), [float(recall) for recall in sys.argv[3:]])
