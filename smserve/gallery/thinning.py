"""Few hits of each label: look further until there are enough."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from smserve.gallery.row import FoundRow
from smserve.gallery.values import PerLabel

__all__ = ["FURTHEST", "Nearest", "thinned"]

FURTHEST: Final = 4096
"""Hits that are looked at; each is a row to be read."""

_GROWTH: Final = 4

Nearest = tuple[list[list[int]], dict[int, FoundRow], set[int]]
"""Keys found for each query, by falling score; their rows by key; keys whose rows are gone."""


def thinned(nearest: Callable[[int], Nearest], top_k: int, per_label: PerLabel) -> Nearest:
    """Return the nearest `top_k` of each query with no more of a label than is wanted.

    Args:
        nearest: Returns so many of each query.
        top_k: At most so many.
        per_label: The limit.
    """
    wanted = top_k
    while True:
        found, rows, gone = nearest(wanted)
        kept = [_kept(keys, rows, top_k, per_label) for keys in found]
        enough = all(len(keys) == top_k or len(every) < wanted for keys, every in zip(kept, found, strict=True))
        if enough or wanted >= FURTHEST or gone:
            return kept, rows, gone
        wanted = min(FURTHEST, wanted * _GROWTH)


def _kept(keys: Sequence[int], rows: Mapping[int, FoundRow], top_k: int, per_label: PerLabel) -> list[int]:
    seen: Counter[str] = Counter()
    kept = []
    for key in keys:
        row = rows.get(key)
        if row is None:
            continue
        if row.label and row.item_id != per_label.uncounted:
            seen[row.label] += 1
            if seen[row.label] > per_label.most:
                continue
        kept.append(key)
        if len(kept) == top_k:
            break
    return kept
