"""Make a FAISS index: the same vectors, choice and seed give the same index."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import faiss
import numpy as np

from smserve.errors import InvalidInput, SmserveError
from smserve.gallery.index.choice import IndexChoice
from smserve.gallery.index.look import look_at
from smserve.gallery.index.parameters import apply_settings
from smserve.gallery.index.threads import using_threads
from smserve.types import FloatArray

__all__ = ["build_index"]

_ITERATIONS: Final = 10
_PER_CENTROID: Final = 64  # training vectors; FAISS warns below 39
_LEAST_TRAINED: Final = 16_384  # vectors, for quantisers that have no lists
_MOST_TRAINED: Final = 524_288  # half as many for a list cost a tenth more lists to be searched, and half the time
_ADDED: Final = 65_536  # vectors at a time: those mapped from a file are not copied all at once


def build_index(vectors: FloatArray, choice: IndexChoice, *, seed: int, threads: int) -> faiss.Index:
    """Train on a seeded sample, then add all.

    More threads change nothing in what comes out but for HNSW, where the order in which items are linked depends on
    them: with more than one, two builds differ in their links, not in how good they are.

    Args:
        vectors: (N, D) float32, unit norm; may be mapped from a file.
        choice: The index.
        seed: Of the sample and of the clustering.
        threads: That share the work.

    Raises:
        InvalidInput: It can't be made for this D, needs more vectors, or can't leave items out of a search.
        SmserveError: FAISS failed, for want of memory for example.
    """
    count, dimension = vectors.shape
    try:
        index = faiss.index_factory(dimension, choice.index, faiss.METRIC_INNER_PRODUCT)
    except RuntimeError as error:
        raise InvalidInput(
            f"index {choice.index!r} can't be made for D={dimension}: {reason(error)}; choose another, such as "
            f"IVF1000,Flat",
            field="index",
        ) from None
    try:
        with using_threads(threads):
            apply_settings(index, choice)
            if not index.is_trained:
                _train(index, vectors, choice, seed)
            with _exact_lists(_ivf_in(index)):
                for start in range(0, count, _ADDED):
                    index.add(np.ascontiguousarray(vectors[start : start + _ADDED], np.float32))
        _check_masks(index, vectors[:1], choice)
    except (RuntimeError, MemoryError) as error:
        raise SmserveError(f"index {choice.index!r} of {count:,} vectors can't be built: {reason(error)}") from None
    return index


def reason(error: Exception) -> str:
    """Return what FAISS says, less the place in its source code that it begins with."""
    return (str(error).splitlines() or ["no reason given"])[0].rpartition("Error: ")[2].rpartition("failed: ")[2]


def _train(index: faiss.Index, vectors: FloatArray, choice: IndexChoice, seed: int) -> None:
    ivf = _ivf_in(index)
    lists = ivf.nlist if ivf is not None else 0
    if max(1, lists) > len(vectors):
        raise InvalidInput(
            f"index {choice.index!r} learns from at least {max(1, lists):,} vectors, the gallery has "
            f"{len(vectors):,}; choose fewer lists, or Flat",
            field="index",
        )
    size = min(len(vectors), max(_LEAST_TRAINED, lists, min(_PER_CENTROID * lists, _MOST_TRAINED)))
    sample = np.random.default_rng(seed).choice(len(vectors), size, replace=False)
    if ivf is not None:
        ivf.cp.niter, ivf.cp.seed = _ITERATIONS, seed
        ivf.cp.min_points_per_centroid = 1  # else FAISS complains on standard error of what we chose
    index.train(np.ascontiguousarray(vectors[np.sort(sample)], np.float32))


@contextmanager
def _exact_lists(ivf: Any) -> Iterator[None]:
    """Let vectors go to the list of their nearest centroid, which a graph over the centroids would miss for some.

    A vector in a wrong list is found by looking into very many.
    """
    graph = faiss.downcast_index(ivf.quantizer) if ivf is not None else None
    if not isinstance(graph, faiss.IndexHNSW):
        yield
        return
    ivf.quantizer = graph.storage
    try:
        yield
    finally:
        ivf.quantizer = graph


def _check_masks(index: faiss.Index, query: FloatArray, choice: IndexChoice) -> None:
    """Refuse at once an index that can't leave out what was deleted or filtered."""
    if not len(query):
        return
    everything = faiss.IDSelectorBitmap(np.full(index.ntotal // 8 + 1, 255, np.uint8))
    try:
        look_at(index, selector=everything)(np.ascontiguousarray(query, np.float32), 1)
    except RuntimeError as error:
        raise InvalidInput(
            f"index {choice.index!r} can't leave items out of a search, as deleted ones are ({reason(error)}); choose "
            f"another, such as IVF1000,Flat",
            field="index",
        ) from None


def _ivf_in(index: Any) -> Any:
    """Return the IVF index inside, or None."""
    index = faiss.downcast_index(index)
    if isinstance(index, faiss.IndexRefine):
        return _ivf_in(index.base_index)
    return index if isinstance(index, faiss.IndexIVF) else None
