"""From a view to what the records hold by now: at start-up, for a reader that follows a writer, and at a swap."""

from collections.abc import Sequence

import numpy as np

from smserve.gallery.bitmap import Positions
from smserve.gallery.records import Records
from smserve.gallery.row import Row
from smserve.gallery.view import Change, View
from smserve.types import FloatArray

__all__ = ["caught_up"]


def caught_up(view: View, records: Records, dimension: int) -> View:
    """Return the view after everything that was written since, verified; what it reads is of one state.

    Raises:
        GalleryDamaged: A row or a note fails its checksum.
    """
    with records.snapshot():
        sequence = records.last_sequence()
        if sequence == view.sequence:
            return view
        removed = records.removed(after_sequence=view.sequence)
        if removed is None:
            removed = _missing(view, records)
        rows = list(records.rows(after_sequence=view.sequence))
    keys, vectors = _stacked(rows, dimension)
    return view.after(Change(sequence=sequence, keys=keys, vectors=vectors, removed=removed))


def _missing(view: View, records: Records) -> Positions:
    """Return the view's keys whose rows are gone, by looking at every key: where no notes reach back that far."""
    known = view.fresh.keys if view.generation is None else np.concatenate([view.generation.keys, view.fresh.keys])
    return np.setdiff1d(known, records.keys(up_to_sequence=view.sequence))


def _stacked(rows: Sequence[Row], dimension: int) -> tuple[Positions, FloatArray]:
    keys = np.array([row.key for row in rows], np.int64)
    vectors = np.array([row.embedding() for row in rows], np.float32).reshape(len(rows), dimension)
    return keys, vectors
