"""What a search runs on: one state of a gallery, never changed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smserve.gallery.bitmap import Bitmap, Positions
from smserve.gallery.filtering.nearest import search_kept
from smserve.gallery.fresh import FreshRows
from smserve.gallery.generation import Generation
from smserve.gallery.index import EXACT
from smserve.types import FloatArray

__all__ = ["Change", "Selection", "View"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Change:
    """What a write did, or several in a row.

    Attributes:
        sequence: Of the last of them.
        keys: (A,) of the rows that are new, ascending.
        vectors: (A, D).
        removed: Keys of the rows that are gone.
    """

    sequence: int
    keys: Positions
    vectors: FloatArray
    removed: Positions


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Selection:
    """What a filter keeps of a view; what the view itself masks may be among it.

    Attributes:
        positions: Of the generation; of size 0 where there is none.
        fresh: (M,) of the fresh rows.
    """

    positions: Bitmap
    fresh: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class View:
    """A generation, what of it is still there, and what was written since.

    Attributes:
        generation: None where no generation is sound; then all rows are fresh.
        kept: Positions of the generation that were not replaced or deleted since; None means all.
        fresh: Rows written since.
        count: Items that can be found.
        sequence: Of the last write that it holds.
    """

    generation: Generation | None
    kept: Bitmap | None
    fresh: FreshRows
    count: int
    sequence: int

    @classmethod
    def of(cls, generation: Generation | None, dimension: int) -> "View":
        """Return the state that a generation was made from."""
        return cls(
            generation=generation,
            kept=None,
            fresh=FreshRows.none(dimension),
            count=generation.manifest.item_count if generation else 0,
            sequence=generation.manifest.last_sequence if generation else 0,
        )

    @property
    def number(self) -> int:
        """The generation's; 0 where there is none."""
        return self.generation.manifest.number if self.generation else 0

    @property
    def pending(self) -> int:
        """Rows that the next generation would fold in or leave out: what this view costs more than a fresh one."""
        return self.tombstone_count + len(self.fresh.living())

    @property
    def tombstone_count(self) -> int:
        """Rows that are held though they were replaced or deleted, until the next generation leaves them out."""
        of_generation = self.generation.manifest.item_count if self.generation else 0
        return of_generation + len(self.fresh) - self.count

    def after(self, change: Change) -> "View":
        """Return the view after a change."""
        fresh, died = self.fresh.after(change.keys, change.vectors, change.removed)
        kept = self.kept
        if self.generation is not None and len(change.removed):
            masked = self.generation.positions_of(change.removed)
            if kept is not None:
                masked = masked[kept.contains(masked)]
            if len(masked):
                died += len(masked)
                kept = (kept or self.generation.all_positions()).without(masked)
        return View(
            generation=self.generation,
            kept=kept,
            fresh=fresh,
            count=self.count + len(change.keys) - died,
            sequence=change.sequence,
        )

    def search(
        self, vectors: FloatArray, top_k: int, selection: Selection | None = None
    ) -> list[list[tuple[float, int]]]:
        """Find the nearest items of each query (Q, D) float32 of unit norm.

        Returns:
            For each query cosines and keys, by falling cosine.
        """
        generation = self.generation if self.generation and self.generation.manifest.item_count else None
        if generation is not None and selection is None:
            positions, scores = generation.index.nearest(vectors, top_k, self.kept)
            found = _pairs(scores, generation.keys[positions])
        elif generation is not None and selection is not None:
            parts = self._selected(generation, vectors, top_k, selection.positions)
            found = [_pair(scores, generation.keys[where]) for where, scores in parts]
        else:
            found = [[] for _ in vectors]
        if len(self.fresh):
            rows = self.fresh.search(vectors, top_k, selection.fresh if selection else None)
            for query, (where, scores) in enumerate(rows):
                both = found[query] + _pair(scores, self.fresh.keys[where])
                found[query] = sorted(both, key=lambda pair: -pair[0])[:top_k]
        return found

    def _selected(
        self, generation: Generation, vectors: FloatArray, top_k: int, selected: Bitmap
    ) -> list[tuple[Positions, FloatArray]]:
        return search_kept(
            index=generation.index,
            vectors=generation.vectors,
            kept=selected if self.kept is None else selected & self.kept,
            queries=vectors,
            top_k=top_k,
            approximate=generation.manifest.index != EXACT,
        )


def _pair(scores: FloatArray, keys: Positions) -> list[tuple[float, int]]:
    return list(zip(scores.tolist(), keys.tolist(), strict=True))


def _pairs(scores: FloatArray, keys: Positions) -> list[list[tuple[float, int]]]:
    """Do the same with arrays (Q, K), at once."""
    return [list(zip(*row, strict=True)) for row in zip(scores.tolist(), keys.tolist(), strict=True)]
