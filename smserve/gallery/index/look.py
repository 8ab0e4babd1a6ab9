"""One way to search a FAISS index: how hard, and how an IVF finds its lists."""

from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np

from smserve.gallery.bitmap import Positions
from smserve.gallery.index.parameters import centroids_of, parameters_for
from smserve.types import FloatArray

__all__ = ["Look", "exhaustive_look", "look_at"]


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What is searched, and how.

    Attributes:
        index: The FAISS index.
        parameters: Of its kind.
        centroids: What finds the lists of an IVF instead of its own quantiser.
    """

    index: Any
    parameters: Any
    centroids: Any = None

    def __call__(self, queries: FloatArray, wanted: int) -> tuple[FloatArray, Positions]:
        """Return cosines and positions (Q, `wanted`); a place that nothing was found for holds -1.

        It asks as FAISS's own Python wrapper does, without its checks, which cost as much as a short search.

        Args:
            queries: (Q, D) float32, unit norm, contiguous.
            wanted: At least 1.
        """
        scores = np.empty((len(queries), wanted), np.float32)
        positions = np.empty((len(queries), wanted), np.int64)
        found = faiss.swig_ptr(scores), faiss.swig_ptr(positions)
        if self.centroids is None:
            self.index.search_c(len(queries), faiss.swig_ptr(queries), wanted, *found, self.parameters)
        else:
            near, lists = self.centroids.search(queries, self.parameters.nprobe)
            asked = len(queries), faiss.swig_ptr(queries), wanted, faiss.swig_ptr(lists), faiss.swig_ptr(near)
            self.index.search_preassigned_c(*asked, *found, False, self.parameters)
        return scores, positions


def look_at(
    index: faiss.Index,
    effort: float = 1.0,
    selector: faiss.IDSelector | None = None,
    *,
    nprobe: int | None = None,
) -> Look:
    """Return the search with the index's own settings, or harder; see `parameters_for`."""
    index, parameters = faiss.downcast_index(index), parameters_for(index, effort, selector, nprobe=nprobe)
    centroids = centroids_of(index, parameters.nprobe) if isinstance(index, faiss.IndexIVF) else None
    return Look(index, parameters, centroids)


def exhaustive_look(index: faiss.Index, selector: faiss.IDSelector | None = None) -> Look:
    """Return the search that looks at every vector, as exactly as it is stored."""
    index = faiss.downcast_index(index)
    if isinstance(index, faiss.IndexRefine):
        return exhaustive_look(index.refine_index, selector)
    if isinstance(index, faiss.IndexHNSW):
        return exhaustive_look(index.storage, selector)
    return look_at(index, selector=selector, nprobe=index.nlist if isinstance(index, faiss.IndexIVF) else None)
