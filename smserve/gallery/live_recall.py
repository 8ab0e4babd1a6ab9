"""How much of the true neighbours live searches find: one in N is repeated exactly, aside, and compared.

Recall that was measured at build is of queries that were made up; what people search for may be harder, and what was
written since may lie elsewhere. The comparison runs on a thread of its own after the answer is on its way; while one
runs, no other begins, so that a large gallery is never busy with checking itself.
"""

import logging
import random
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np

from smserve.errors import InvalidInput
from smserve.gallery.bitmap import Bitmap, Positions
from smserve.gallery.exact import search_exactly
from smserve.gallery.tuning.recall import SAME_SCORE, Recall
from smserve.gallery.view import Selection, View
from smserve.types import FloatArray

__all__ = ["CheckedSearch", "LiveRecall", "recall_of_search"]

_log: Final = logging.getLogger(__name__)
_WINDOW: Final = 1000  # searches that the figure is of, the latest


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CheckedSearch:
    """A search that was answered.

    Attributes:
        view: What was searched.
        query: (D,) float32, unit norm.
        top_k: Hits wanted.
        keys: Of the rows that were found.
        selection: What a filter kept; None means all.
    """

    view: View
    query: FloatArray
    top_k: int
    keys: list[int]
    selection: Selection | None = None


class LiveRecall:
    """The running figure; safe to use from many threads."""

    def __init__(self, every: int) -> None:
        """Check one search in `every` on average, drawn by lot: a regular beat could follow one client alone; 0: none.

        Raises:
            InvalidInput: It is negative.
        """
        if every < 0:
            raise InvalidInput(f"one search in {every} can't be checked; give 1 or more, or 0 for none", field="every")
        self._every: Final = every
        self._random: Final = random.Random()  # noqa: S311 - a lot, no secret
        self._pool: Final = ThreadPoolExecutor(1, "smserve-recall")
        self._busy: Final = threading.Lock()
        self._lock: Final = threading.Lock()
        self._recalls: Final[deque[tuple[float, int]]] = deque(maxlen=_WINDOW)  # with the k that each is of
        self._generation = 0

    def is_due(self) -> bool:
        """Whether to check this search."""
        return self._every > 0 and self._random.random() * self._every < 1 and not self._busy.locked()

    def check(self, search: CheckedSearch) -> None:
        """Compare a search with exact search, aside; nothing where another one is being compared."""
        if not self._busy.acquire(blocking=False):
            return
        try:
            self._pool.submit(self._run, search)
        except RuntimeError:  # closed meanwhile
            self._busy.release()

    def figure(self, generation: int) -> Recall | None:
        """Return the recall of the latest checked searches of a generation; None where none was checked."""
        with self._lock:
            if not self._recalls or self._generation != generation:
                return None
            values, sizes = zip(*self._recalls, strict=True)
        return Recall.of(np.array(values), min(sizes))

    def close(self) -> None:
        """End what runs; calling it twice is harmless."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self, search: CheckedSearch) -> None:
        try:
            recall = recall_of_search(search)
            with self._lock:
                if self._generation != search.view.number:
                    self._generation = search.view.number
                    self._recalls.clear()
                self._recalls.append((recall, search.top_k))
        except Exception:  # noqa: BLE001 - nobody waits who could be told
            _log.exception("a live search could not be compared with exact search; searches go on")
        finally:
            self._busy.release()


def recall_of_search(search: CheckedSearch) -> float:
    """Return which share of the true neighbours was found; of neighbours at the same distance any one is right."""
    view, query, selection = search.view, search.query[None], search.selection
    scores = [scores for _, scores in view.fresh.search(query, search.top_k, selection.fresh if selection else None)]
    found = view.fresh.vectors[np.isin(view.fresh.keys, search.keys)]
    if view.generation is not None:
        vectors = view.generation.vectors
        allowed = _both(view.kept, selection.positions if selection else None)
        scores += [scores for _, scores in search_exactly(query, vectors, search.top_k, allowed)]
        positions = view.generation.positions_of(np.array(search.keys, np.int64))
        found = np.concatenate([found, vectors[positions]])
    true = np.sort(np.concatenate(scores))[::-1][: search.top_k]
    if not len(true):
        return 1.0
    right = np.count_nonzero(found @ search.query >= true[-1] - SAME_SCORE)
    return min(1.0, right / len(true))


def _both(kept: Bitmap | None, selected: Bitmap | None) -> Positions | None:
    if kept is None or selected is None:
        either = selected if kept is None else kept
        return None if either is None else either.positions()
    return (kept & selected).positions()
