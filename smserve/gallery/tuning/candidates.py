"""The handful of indexes that are worth measuring on a CPU, by the size of the gallery."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from smserve.gallery.index import IndexChoice
from smserve.types import FloatArray

__all__ = ["Candidate", "candidate_for", "candidates_for", "in_lists", "second_looks"]

_NPROBE: Final = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64, 96, 128, 192, 256, 384, 512)
_EF_SEARCH: Final = (10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 128, 192, 256, 384, 512)
_K_FACTOR: Final = (2.0, 4.0, 8.0, 16.0)
_EF_CONSTRUCTION: Final = 100
_MANY: Final = 150_000  # vectors from which shorter lists are tried, too
_PER_LIST: Final = 64  # vectors of a short one; where 4 sqrt(N) lists are fewer than the clusters, long ones take ages
_SECOND_LOOKS: Final = ((0.02, 8), (0.02, 32), (0.1, 32))  # share of queries, those farthest; times nprobe for these
_MOST_LISTS: Final = 32_768  # learning more takes hours


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An index that is built once, and searched with several settings.

    Attributes:
        choice: What is built.
        ladders: Settings to search with; in each ladder from fast to thorough.
    """

    choice: IndexChoice
    ladders: tuple[tuple[IndexChoice, ...], ...]


def candidates_for(count: int, dimension: int, *, graphs: bool = True) -> Sequence[Candidate]:
    """Return what to measure, cheap builds first.

    Args:
        count: Vectors.
        dimension: D.
        graphs: HNSW too, which takes minutes a million vectors to build.
    """
    lists = max(1, round(4 * math.sqrt(count)))
    indexes = ["Flat", f"IVF{lists},Flat", f"IVF{lists},SQ8,RFlat", f"IVF{lists},SQfp16", f"IVF{lists},SQ8"]
    if dimension % 2 == 0:
        indexes.append(f"IVF{lists},PQ{dimension // 2}x4fs,RFlat")
    if count >= _MANY:
        many = min(count // _PER_LIST, _MOST_LISTS)
        indexes += [f"IVF{many},SQfp16", f"IVF{many}_HNSW32,SQfp16"]
    if graphs:
        indexes += ["HNSW16", "HNSW16,SQfp16", "HNSW32"]
    return [candidate_for(index) for index in indexes]


def candidate_for(index: str) -> Candidate:
    """Return an index with the settings to try.

    Raises:
        InvalidInput: It is none that a gallery can have.
    """
    choice = IndexChoice(index=index)
    searches = [choice]
    if choice.lists:
        searches = [replace(choice, nprobe=nprobe) for nprobe in _NPROBE if nprobe <= choice.lists]
    elif index.startswith("HNSW"):
        choice = replace(choice, efConstruction=_EF_CONSTRUCTION)
        searches = [replace(choice, efSearch=candidates) for candidates in _EF_SEARCH]
    refined = index.endswith(("RFlat", ")"))
    factors: tuple[float | None, ...] = _K_FACTOR if refined else (None,)
    ladders = tuple(tuple(replace(each, k_factor=factor) for each in searches) for factor in factors)
    return Candidate(choice=choice, ladders=ladders)


def second_looks(choice: IndexChoice, kth_scores: FloatArray) -> Sequence[tuple[IndexChoice, ...]]:
    """Return further ladders for an IVF, which look again where a query's neighbours are far; none for other indexes.

    An IVF misses most where the neighbours are far: they lie in lists all around.

    Args:
        choice: The index, with settings.
        kth_scores: (Q,) cosine of the k-th true neighbour of queries such as will come.
    """
    plain = replace(choice, far_nprobe=None, far_score=None)
    ladders = []
    for share, times in _SECOND_LOOKS if choice.lists > 1 else ():
        score = round(float(np.clip(np.quantile(kth_scores, share), -1, 1)), 4)
        first = replace(plain, nprobe=1, far_nprobe=times, far_score=score)
        ladders.append(tuple(in_lists(first, nprobe) for nprobe in _NPROBE if nprobe < choice.lists))
    return ladders


def in_lists(choice: IndexChoice, nprobe: int) -> IndexChoice:
    """Return a choice that looks into so many lists, and a second time, where it does that, into as many times more."""
    if choice.far_nprobe is None:
        return replace(choice, nprobe=nprobe)
    far = round(nprobe * choice.far_nprobe / (choice.nprobe or 1))
    return replace(choice, nprobe=nprobe, far_nprobe=max(nprobe, min(far, choice.lists)))
