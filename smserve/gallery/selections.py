"""The match sets of filters, in a view's terms; kept, since asking SQLite is what a filter costs."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

import numpy as np

from smserve.gallery.bitmap import Bitmap, Positions
from smserve.gallery.condition import Condition
from smserve.gallery.records import Records
from smserve.gallery.view import Selection, View

__all__ = ["KEPT", "Selections"]

KEPT: Final = 64  # match sets; each is a bit a vector and 8 bytes a fresh row


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Matches:
    """What matched when the records were asked.

    Attributes:
        positions: Of the generation.
        newer: Keys of rows newer than it, ascending.
        up_to: Largest key of the view that was asked for; later rows are not known.
    """

    positions: Bitmap
    newer: Positions
    up_to: int


class Selections:
    """Asks the records once a filter and generation, and later only for rows that came since."""

    def __init__(self, records: Records) -> None:
        self._records: Final = records
        self._kept: Final[OrderedDict[tuple[int, Condition], _Matches]] = OrderedDict()
        self._lock: Final = threading.Lock()

    def select(self, view: View, condition: Condition) -> Selection:
        """Return what a condition keeps of a view; rows that the view masks may be among it."""
        name = view.number, condition
        with self._lock:
            matches = self._kept.get(name)
        newest = _newest_key(view)
        if matches is None or matches.up_to < newest:
            matches = self._ask(view, condition, matches, newest)
            with self._lock:
                self._kept[name] = matches
                self._kept.move_to_end(name)
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
        return Selection(positions=matches.positions, fresh=np.isin(view.fresh.keys, matches.newer))

    def _ask(self, view: View, condition: Condition, before: _Matches | None, newest: int) -> _Matches:
        if before is not None:
            found = self._records.matching(condition, after_key=before.up_to)
            newer = np.concatenate([before.newer, found[found <= newest]])
            return _Matches(positions=before.positions, newer=newer, up_to=newest)
        found = self._records.matching(condition)
        positions, last = Bitmap.of(np.empty(0, np.int64), 0), 0
        if view.generation is not None:
            positions = Bitmap.of(view.generation.positions_of(found), len(view.generation.keys))
            last = int(view.generation.keys[-1]) if len(view.generation.keys) else 0
        return _Matches(positions=positions, newer=found[(found > last) & (found <= newest)], up_to=newest)


def _newest_key(view: View) -> int:
    """Return the largest key of a view; 0 where it is empty."""
    last = int(view.fresh.keys[-1]) if len(view.fresh) else 0
    if view.generation is not None and len(view.generation.keys):
        last = max(last, int(view.generation.keys[-1]))
    return last
