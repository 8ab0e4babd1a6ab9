"""A gallery in a folder, open for searching and writing at once by the one process that holds its lock.

A search runs on an immutable view, which each write and each swap of generations replaces in one step.
"""

import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from smserve.errors import GalleryExists, GenerationMismatch, Unavailable
from smserve.gallery.active import active_folder
from smserve.gallery.background import BackgroundCompaction
from smserve.gallery.compaction import CompactionPolicy, build_next
from smserve.gallery.condition import Condition
from smserve.gallery.events import GalleryEvents, SwapResult
from smserve.gallery.following import caught_up
from smserve.gallery.generation import is_finished
from smserve.gallery.interface import GalleryWriter, GenerationAdmin
from smserve.gallery.opening import first_view, open_records
from smserve.gallery.points import At, nowhere
from smserve.gallery.publication import IndexBuilder
from smserve.gallery.reading import Reading
from smserve.gallery.records import Records
from smserve.gallery.row_cache import RowCache
from smserve.gallery.swap import Swap
from smserve.gallery.tuning.chosen import chosen_index
from smserve.gallery.values import GenerationInfo, NewItem, Source, Written
from smserve.gallery.view import Change
from smserve.gallery.viewed import ViewedGallery
from smserve.gallery.views import Views
from smserve.gallery.writer import LocalGalleryWriter
from smserve.memory import memory_given_back

__all__ = ["LiveGallery"]

_AUTOMATIC: Final = CompactionPolicy()


class LiveGallery(ViewedGallery, GalleryWriter, GenerationAdmin):
    """Search, write and administer; safe to call from many threads, a context manager."""

    def __init__(
        self,
        path: Path,
        records: Records,
        name: str,
        *,
        compaction: CompactionPolicy | None,
        build_index: IndexBuilder,
        at: At,
        events: GalleryEvents,
        check_every: int = 0,
    ) -> None:
        """See `open`; `path` is the folder of the model in use."""
        self._path: Final = path
        self._records: Final = records
        self._build_index: Final = build_index
        self._at: Final = at
        self._events: Final = events
        self._administering: Final = threading.RLock()  # taken before the writer's own lock, never after it
        self._closing = False
        meta = records.meta()
        self._writer: Final = LocalGalleryWriter(
            path,
            model_fingerprint=meta["model_fingerprint"],
            dimension=int(meta["dimension"]),
            on_change=self._see,
            at=at,
            verification=records.verification,
            staged=True,
        )
        try:
            view, current = first_view(path, records)
            self._views: Final = Views(view, self._drop)
            self._swap: Final = Swap(path, records, self._writer, self._views, current, at)
            super().__init__(Reading(path, records, name, self._views, rows=RowCache(), check_every=check_every))
        except BaseException:
            self._writer.close()
            raise
        self._background: Final = BackgroundCompaction(
            path,
            compaction,
            compact=self.compact,
            view=lambda: self._views.current,
            allowed=lambda: not self._swap.held and not self._closing,
        )
        if not self._swap.is_on_current() and not self._swap.held:
            self._background.start()  # heals a damaged generation
        else:
            self._background.start_in_time()

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        name: str | None = None,
        model_fingerprint: str | None = None,
        compaction: CompactionPolicy | None = _AUTOMATIC,
        build_index: IndexBuilder | None = None,
        at: At = nowhere,
        events: GalleryEvents | None = None,
        check_every: int = 0,
        exactly: bool = False,
    ) -> "LiveGallery":
        """Open a finished gallery.

        Args:
            path: Its folder.
            name: What it is called in answers; the folder's name by default.
            model_fingerprint: When given, a gallery of another model is refused.
            compaction: When one starts by itself; None for never.
            build_index: Makes the index of each new generation; by default what `smserve index tune` chose.
            at: Told of points, see `smserve.gallery.points`.
            events: Told of writes and swaps.
            check_every: One search in so many, on average, is compared with exact search, aside; 0 for none.
            exactly: Open this very folder, whichever model is in use.

        Raises:
            GalleryNotFound: There is none.
            GalleryLocked: Another process writes to it; its pid is named.
            ModelMismatch: Another model made it.
            GenerationMismatch: Its build was interrupted.
            GalleryDamaged: Acknowledged writes are lost, or a row fails its checksum.
        """
        folder = path if exactly else active_folder(path)
        records = open_records(folder, writable=False, model_fingerprint=model_fingerprint)
        try:
            name = name or path.resolve().name
            build_index = build_index or chosen_index(folder)
            gallery = cls(
                folder,
                records,
                name,
                compaction=compaction,
                build_index=build_index,
                at=at,
                events=events or GalleryEvents(),
                check_every=check_every,
            )
        except BaseException:
            records.close()
            raise
        if not exactly and active_folder(path) != folder:  # before the lock was ours
            gallery.close()
            raise GenerationMismatch(f"another model of gallery {path} was activated meanwhile; open it again")
        return gallery

    @classmethod
    def create(cls, path: Path, *, model_fingerprint: str, dimension: int, at: At = nowhere) -> None:
        """Make an empty gallery that can be opened.

        Raises:
            GalleryExists: The folder holds a gallery, or other things.
            SmserveError: The folder can't be made.
        """
        if is_finished(path):
            raise GalleryExists(f"{path} holds a gallery; choose another folder, or open it")
        with LocalGalleryWriter(path, model_fingerprint=model_fingerprint, dimension=dimension, at=at) as writer:
            writer.publish()

    def sources(self) -> Mapping[str, Source]:
        """Return what is stored, by item_id."""
        return self._writer.sources()

    def upsert(self, items: Sequence[NewItem], *, request_id: str = "") -> Written:
        """Store items durably, all or none, seen by the next search; see `GalleryWriter`.

        A request id is remembered for the 100,000 writes that follow it.
        """
        written = self._events.timed(lambda: self._writer.upsert(items, request_id=request_id))
        self._background.start_in_time()
        return written

    def delete(self, selected: Iterable[str] | Condition, *, request_id: str = "") -> Written:
        """Delete items durably, by id or by condition, seen by the next search; see `GalleryWriter`."""
        written = self._events.timed(lambda: self._writer.delete(selected, request_id=request_id))
        self._background.start_in_time()
        return written

    def publish(self) -> int:
        """Compact; returns the number of the new generation."""
        return self.compact().number

    def generations(self) -> Sequence[GenerationInfo]:
        """Return the generations that are kept, newest first."""
        return self._swap.generations()

    def compact(self) -> GenerationInfo:
        """Build the next generation beside the running one, and swap it in; see `GenerationAdmin`.

        Where another compaction runs, waits for its end first.
        """
        with self._administering, memory_given_back(), self._events.swapping(SwapResult.COMPACTED):
            self._check_wanted()
            with self._views.pin() as view:
                generation, sha256 = build_next(
                    self._path,
                    view,
                    self._records,
                    build_index=self._build_index,
                    check_wanted=self._check_wanted,
                    at=self._at,
                )
            self._swap.to(generation, sha256, held=False)
            self._background.succeeded()
            return self._swap.describe(generation.manifest.number)

    def compact_if(self, policy: CompactionPolicy) -> bool:
        """Compact where a policy wants it; for who opened the gallery with none. Returns whether it did."""
        due = policy.wants(self._views.current)
        if due:
            self.compact()
        return due

    def roll_back(self, *, expected: int | None = None) -> GenerationInfo:
        """Go back to the generation that was in use before; see `GenerationAdmin`."""
        with self._administering:
            self._check_wanted()
            now = self._views.current.number
            if expected is not None and expected != now:
                raise GenerationMismatch(
                    f"gallery {self._path} is at generation {now}, not at {expected}; look at what is there, and ask "
                    f"again"
                )
            with self._events.swapping(SwapResult.ROLLED_BACK):
                self._at("roll_back.begun")
                generation, sha256 = self._swap.open_previous()
                self._at("roll_back.read")
                self._swap.to(generation, sha256, held=True)
            return self._swap.describe(generation.manifest.number)

    def close(self) -> None:
        """Let go of files and of the lock; a compaction under way ends first, unfinished. Twice is harmless."""
        self._closing = True
        self._background.join()
        self._reading.close()
        with self._administering:
            self._records.close()
            self._writer.close()

    def __enter__(self) -> "LiveGallery":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _see(self, change: Change) -> None:
        """Let the next search see a write; called by the writer, one at a time."""
        view = self._views.current
        if view.sequence + 1 == change.sequence:
            self._views.replace(view.after(change))
        else:  # an earlier one failed between its commit and this
            self._views.replace(caught_up(view, self._records, self._reading.dimension))

    def _drop(self, number: int) -> None:
        self._swap.drop(number)

    def _check_wanted(self, point: str = "") -> None:  # noqa: ARG002 - the same at every point
        if self._closing:
            raise Unavailable(f"gallery {self._path} is closed")
