"""Answer questions from the view in use and the records: what a reader and a live gallery have in common."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from smserve.errors import GalleryDamaged, InvalidInput, InvalidVector, ItemNotFound
from smserve.gallery.ahead import VerificationAhead
from smserve.gallery.completeness import complete_above
from smserve.gallery.condition import Condition
from smserve.gallery.following import caught_up
from smserve.gallery.index import EXACT
from smserve.gallery.level import Level
from smserve.gallery.live_recall import CheckedSearch, LiveRecall
from smserve.gallery.page_token import key_of, token_of
from smserve.gallery.records import Records
from smserve.gallery.row import FoundRow, Row
from smserve.gallery.row_cache import RowCache
from smserve.gallery.selections import Selections
from smserve.gallery.showing import hits_of, item_of
from smserve.gallery.stopwatch import Stopwatch
from smserve.gallery.thinning import Nearest, thinned
from smserve.gallery.values import Counts, Neighbours, Page, PerLabel
from smserve.gallery.view import View
from smserve.gallery.views import Views
from smserve.types import FieldMask, FloatArray, GalleryInfo, Item

__all__ = ["Reading"]


class Reading:
    """See `GalleryReader`; safe to use from many threads."""

    def __init__(
        self, path: Path, records: Records, name: str, views: Views, *, rows: RowCache, check_every: int = 0
    ) -> None:
        meta = records.meta()
        self._path: Final = path
        self._records: Final = records
        self._name: Final = name
        self._views: Final = views
        self._rows: Final = rows
        self._latest = 0  # sequence of the latest view that was caught up with the records
        self._selections: Final = Selections(records)
        self._live_recall: Final = LiveRecall(check_every)
        self._ahead: Final = VerificationAhead(path, records)
        self._metric: Final = meta["metric"]
        self.dimension: Final = int(meta["dimension"])
        self.model_fingerprint: Final = meta["model_fingerprint"]

    def info(self) -> GalleryInfo:
        """Describe what is searched now; generation 0 means the rows themselves, where no generation is sound."""
        view = self._views.current
        recall = self._live_recall.figure(view.number)
        return GalleryInfo(
            name=self._name,
            item_count=view.count,
            tombstone_count=view.tombstone_count,
            dimension=self.dimension,
            metric=self._metric,
            model_fingerprint=self.model_fingerprint,
            generation=view.number,
            index=view.generation.manifest.index if view.generation else EXACT,
            live_recall=recall.value if recall else None,
            live_recall_searches=recall.queries if recall else 0,
        )

    def level(self) -> Level:
        """Return up to where it is searched now."""
        view = self._views.current
        return Level(view.sequence, view.count)

    def search(
        self,
        vectors: FloatArray,
        top_k: int,
        fields: FieldMask,
        condition: Condition | None,
        per_label: PerLabel | None,
    ) -> Neighbours:
        """Find the nearest items of each query."""
        if vectors.ndim != 2 or vectors.shape[1] != self.dimension:
            raise InvalidVector(
                f"the vector has {vectors.shape[-1]} numbers, gallery {self._name!r} has D={self.dimension}; embed "
                f"the query with the gallery's own model",
                field="vector",
            )
        of_rows = Stopwatch()
        with self._views.pin() as view:
            nearest, rows, gone, complete = self._nearest(view, vectors, top_k, condition, per_label, of_rows)
            if gone or view.sequence < self._latest:
                # Replaced or deleted since the view was made. View and rows must be of one moment, or an item that was
                # there all the time could be missing from the answer; and no later search may see an earlier state.
                with self._records.snapshot():
                    view = caught_up(view, self._records, self.dimension)  # noqa: PLW2901 - of the pinned generation
                    nearest, rows, gone, complete = self._nearest(view, vectors, top_k, condition, per_label, of_rows)
                self._latest = max(self._latest, view.sequence)
            if gone:
                raise GalleryDamaged(
                    f"gallery {self._path} has lost {len(gone)} rows that nobody deleted (key {min(gone)}, for one); "
                    f"restore it from a copy, or build it again"
                )
            with of_rows:
                hits = tuple(
                    hits_of(query, [rows[key] for key in keys], fields, self._records.thumbnail)
                    for query, keys in zip(vectors, nearest, strict=True)
                )
            if per_label is None and self._live_recall.is_due() and len(vectors):
                self._check(view, vectors[0], top_k, nearest[0], condition)
            return Neighbours(
                generation=view.number,
                hits=hits,
                sequence=view.sequence,
                complete_above=complete,
                rows_s=of_rows.seconds,
            )

    def get(self, item_id: str, fields: FieldMask) -> Item:
        """Return one item."""
        row = self._records.by_id(item_id)
        if row is None:
            raise ItemNotFound(f"gallery {self._name!r} has no item {item_id!r}; check the id")
        return item_of(row, fields, self._records.thumbnail)

    def page(self, size: int, token: str, fields: FieldMask, condition: Condition | None) -> Page:
        """Return the next items by key."""
        if size < 1:
            raise InvalidInput(f"a page of {size} items was asked for; wanted at least 1", field="page_size")
        after = key_of(token)
        with self._records.snapshot():
            if condition is None:
                rows: Sequence[Row] = self._records.rows_after_key(after, size + 1)
            else:
                keys = self._records.matching(condition, after_key=after, most=size + 1).tolist()
                found = self._records.by_key(keys)
                rows = [found[key] for key in keys if key in found]
            items = tuple(item_of(row, fields, self._records.thumbnail) for row in rows[:size])
        return Page(items=items, next_token=token_of(rows[size - 1].key) if len(rows) > size else "")

    def count(self, condition: Condition | None, *, by_label: bool) -> Counts:
        """Count what matches."""
        with self._records.snapshot():
            if condition is None:
                labels = self._records.count_by_label() if by_label else Counter[str]()
                return Counts(total=labels.total() if by_label else self._records.count(), by_label=dict(labels))
            keys = self._records.matching(condition)
            if by_label:
                labels = self._records.labels_of(keys)
                return Counts(total=labels.total(), by_label=dict(labels))
            return Counts(total=len(keys))

    def close(self) -> None:
        """End what runs aside; calling it twice is harmless."""
        self._live_recall.close()
        self._ahead.close()
        self._rows.close()

    def _check(self, view: View, query: FloatArray, top_k: int, keys: list[int], condition: Condition | None) -> None:
        selection = None if condition is None else self._selections.select(view, condition)
        self._live_recall.check(CheckedSearch(view=view, query=query, top_k=top_k, keys=keys, selection=selection))

    def _nearest(
        self,
        view: View,
        vectors: FloatArray,
        top_k: int,
        condition: Condition | None,
        per_label: PerLabel | None,
        of_rows: Stopwatch,
    ) -> tuple[list[list[int]], dict[int, FoundRow], set[int], tuple[float, ...]]:
        """Return the parts of a `Nearest`, and down to which score each query's hits are complete."""
        selection = None if condition is None else self._selections.select(view, condition)
        looked_at: list[list[tuple[float, int]]] = []
        asked = top_k

        def nearest(count: int) -> Nearest:
            nonlocal looked_at, asked
            looked_at, asked = view.search(vectors, count, selection), count
            found = [[key for _, key in each] for each in looked_at]
            keys = {key for each in found for key in each}
            with of_rows:
                rows = self._rows.find(keys, self._read)
            return found, rows, keys - rows.keys()

        found, rows, gone = nearest(top_k) if per_label is None else thinned(nearest, top_k, per_label)
        complete = tuple(
            complete_above(view, selection, seen, kept, asked=asked, top_k=top_k)
            for seen, kept in zip(looked_at, found, strict=True)
        )
        return found, rows, gone, complete

    def _read(self, keys: Sequence[int]) -> dict[int, FoundRow]:
        return {key: row.found() for key, row in self._records.by_key(keys).items()}
