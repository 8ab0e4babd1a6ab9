"""Typed search parameters: each kind of FAISS index has a class of its own, and ignores or refuses the others'."""

import math
from typing import Any, Final

import faiss

from smserve.gallery.index.choice import IndexChoice

__all__ = ["TUNED_TOP_K", "apply_settings", "centroids_of", "effort_for", "parameters_for", "scanning_is_cheaper"]

TUNED_TOP_K: Final = 10
"""Settings are tuned for recall@10."""

_IVF_GROWTH: Final = 0.75
_HNSW_GROWTH: Final = 1.2
_HNSW_COST: Final = 200  # vectors that are compared one after the other in the time of one candidate in the graph
_LIST_COST: Final = 250  # the same of centroids; at equal cost the graph is the worse way, since it misses some


def effort_for(top_k: int, share: float) -> float:
    """Return how many neighbours a search must be good at, as a multiple of the 10 that settings are tuned for.

    Asking for 10 hits among a tenth of the items is as hard as asking for 100 among all.

    Args:
        top_k: Hits wanted.
        share: Of the positions, how many may be found; in (0, 1].
    """
    return max(1.0, top_k / TUNED_TOP_K) / share


def apply_settings(index: faiss.Index, choice: IndexChoice) -> None:
    """Make the settings that FAISS has the index's own; it writes them into its file, too."""
    index = faiss.downcast_index(index)
    if isinstance(index, faiss.IndexRefine):
        apply_settings(index.base_index, choice)
        index.k_factor = choice.k_factor or index.k_factor
    elif isinstance(index, faiss.IndexIVF):
        index.nprobe = min(choice.nprobe or index.nprobe, index.nlist)
        quantizer = faiss.downcast_index(index.quantizer)
        if isinstance(quantizer, faiss.IndexHNSW):
            quantizer.hnsw.efSearch = choice.quantizer_efSearch or quantizer.hnsw.efSearch
    elif isinstance(index, faiss.IndexHNSW):
        index.hnsw.efSearch = choice.efSearch or index.hnsw.efSearch
        index.hnsw.efConstruction = choice.efConstruction or index.hnsw.efConstruction


def parameters_for(
    index: faiss.Index,
    effort: float = 1.0,
    selector: faiss.IDSelector | None = None,
    *,
    nprobe: int | None = None,
) -> Any:
    """Return parameters that search with the index's own settings, or harder.

    What a search finds at a given setting falls with the number of neighbours asked for. That the settings of an IVF
    must grow with `effort` to the power of 0.75, those of HNSW with a bit more than `effort`, was measured: 100,000
    clustered vectors, 10 to 1,000 neighbours, 1 to 100 % of them selected, recall held within 0.01.

    Args:
        index: What is to be searched.
        effort: See `effort_for`.
        selector: Positions that may be found; None means all.
        nprobe: For an IVF, instead of its own.
    """
    index = faiss.downcast_index(index)
    if isinstance(index, faiss.IndexRefine):
        base = parameters_for(index.base_index, effort, selector, nprobe=nprobe)
        return faiss.IndexRefineSearchParameters(k_factor=index.k_factor, base_index_params=base)
    if isinstance(index, faiss.IndexIVF):
        lists = min(index.nlist, math.ceil((nprobe or index.nprobe) * effort**_IVF_GROWTH))
        quantizer = faiss.downcast_index(index.quantizer)
        graph = None
        if isinstance(quantizer, faiss.IndexHNSW):
            graph = faiss.SearchParametersHNSW(efSearch=_candidates(quantizer, lists))
        return faiss.SearchParametersIVF(nprobe=lists, sel=selector, quantizer_params=graph)
    if isinstance(index, faiss.IndexHNSW):
        candidates = math.ceil(index.hnsw.efSearch * effort**_HNSW_GROWTH)
        return faiss.SearchParametersHNSW(efSearch=min(candidates, max(1, index.ntotal)), sel=selector)
    return faiss.SearchParameters(sel=selector)


def centroids_of(index: faiss.IndexIVF, nprobe: int) -> faiss.Index | None:
    """Return the centroids that a graph leads to, where it is cheaper to compare with all; None where it isn't."""
    quantizer = faiss.downcast_index(index.quantizer)
    if isinstance(quantizer, faiss.IndexHNSW) and _candidates(quantizer, nprobe) * _LIST_COST > index.nlist:
        return faiss.downcast_index(quantizer.storage)
    return None


def scanning_is_cheaper(index: faiss.Index, effort: float, share: float) -> bool:
    """Whether looking at every position that may be found costs less than an approximate search."""
    index = faiss.downcast_index(index)
    if isinstance(index, faiss.IndexRefine):
        return scanning_is_cheaper(index.base_index, effort, share)
    if not isinstance(index, faiss.IndexHNSW):
        return False  # an IVF that looks into all lists is a scan
    candidates: float = index.hnsw.efSearch * effort**_HNSW_GROWTH
    return bool(candidates * _HNSW_COST > share * index.ntotal)


def _candidates(quantizer: faiss.IndexHNSW, nprobe: int) -> int:
    return max(int(quantizer.hnsw.efSearch), 2 * nprobe)
