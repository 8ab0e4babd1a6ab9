"""Down to which score the hits of a search are all that there are."""

import math
from collections.abc import Sequence

import numpy as np

from smserve.gallery.filtering.nearest import EXACT_SHARE
from smserve.gallery.index import EXACT
from smserve.gallery.view import Selection, View

__all__ = ["complete_above"]


def complete_above(
    view: View,
    selection: Selection | None,
    looked_at: Sequence[tuple[float, int]],
    kept: Sequence[int],
    *,
    asked: int,
    top_k: int,
) -> float:
    """Return the score above which every item that the request allows is among the hits.

    Args:
        view: What was searched.
        selection: What a filter keeps of it; None means all.
        looked_at: Cosines and keys that the view gave, by falling cosine.
        kept: Those of the keys that became hits; the others had too many of their label before them, or came after the
            last hit that was wanted.
        asked: How many the view was asked for.
        top_k: How many hits were wanted.

    Returns:
        -inf where nothing is missing; inf where an inexact index may have missed anything.
    """
    is_all = len(looked_at) < asked
    if not is_all:
        of_generation, fresh = _allowed(view, selection)
        is_all = len(looked_at) >= of_generation + fresh
        if not is_all and not _is_exact(view, selection, of_generation):
            return math.inf
    if len(kept) == top_k and kept[-1] != looked_at[-1][1]:
        return next(score for score, key in looked_at if key == kept[-1])
    return -math.inf if is_all else looked_at[-1][0]


def _allowed(view: View, selection: Selection | None) -> tuple[int, int]:
    """Return how many items may be found, of the generation and of the fresh rows."""
    living = view.fresh.living()
    if selection is None:
        return view.count - len(living), len(living)
    of_generation = selection.positions if view.kept is None else selection.positions & view.kept
    return of_generation.count(), int(np.count_nonzero(selection.fresh[living]))


def _is_exact(view: View, selection: Selection | None, of_generation: int) -> bool:
    """Whether a search compares with every vector; `search_kept` does where a filter keeps few."""
    generation = view.generation
    if generation is None or not len(generation.keys) or generation.manifest.index == EXACT:
        return True
    return selection is not None and of_generation < EXACT_SHARE * len(generation.keys)
