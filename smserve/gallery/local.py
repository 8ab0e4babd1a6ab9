"""A gallery in a folder, open for search; others may write to it.

It searches the current generation, less what was replaced or deleted since, and, exactly, what was written since.
Where a generation is damaged, an older one and a longer tail of newer rows give the same answers; where none is sound,
the rows alone do.
"""

import contextlib
import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from smserve.errors import GalleryDamaged, SmserveError
from smserve.gallery.active import active_folder
from smserve.gallery.committed import read_committed
from smserve.gallery.current import Current, read_current
from smserve.gallery.events import GalleryEvents, SwapResult
from smserve.gallery.following import caught_up
from smserve.gallery.interface import GenerationReader
from smserve.gallery.kept import kept_generations
from smserve.gallery.opening import first_view, open_records
from smserve.gallery.reading import Reading
from smserve.gallery.records import Records
from smserve.gallery.row_cache import RowCache
from smserve.gallery.values import GenerationInfo
from smserve.gallery.view import View
from smserve.gallery.viewed import ViewedGallery
from smserve.gallery.views import Views

__all__ = ["LocalGallery"]

_log: Final = logging.getLogger(__name__)

_STATE_HOLDS_S: Final = 0.02
"""As long as one that follows relies on SQLite's word that nobody has written: asking costs a fifth of a search."""


class LocalGallery(ViewedGallery, GenerationReader):
    """Search and look up; safe to call from many threads."""

    def __init__(
        self,
        path: Path,
        records: Records,
        name: str,
        view: View,
        current: Current | None,
        follow_s: float | None = None,
        check_every: int = 0,
        events: GalleryEvents | None = None,
    ) -> None:
        """See `open`."""
        self._path: Final = path
        self._events: Final = events or GalleryEvents()
        self._records: Final = records
        self._views: Final = Views(view, lambda _: None)  # folders are the writer's to remove
        rows = RowCache(state=records.state, state_holds_s=0 if follow_s is None else _STATE_HOLDS_S)
        super().__init__(Reading(path, records, name, self._views, rows=rows, check_every=check_every))
        self._current = current
        self._reloading: Final = threading.Lock()
        self._closing: Final = threading.Event()
        self._follower: threading.Thread | None = None
        if follow_s is not None:
            self._follower = threading.Thread(target=self._follow, args=(follow_s,), name="smserve-follower")
            self._follower.start()

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        name: str | None = None,
        model_fingerprint: str | None = None,
        follow_s: float | None = None,
        check_every: int = 0,
        events: GalleryEvents | None = None,
    ) -> "LocalGallery":
        """Open a finished gallery.

        Args:
            path: Its folder.
            name: What it is called in answers; the folder's name by default.
            model_fingerprint: When given, a gallery of another model is refused.
            follow_s: When given, what others write and publish is seen within so many seconds, by itself.
            check_every: One search in so many, on average, is compared with exact search, aside; 0 for none.
            events: Told when it goes over to another generation.

        Raises:
            GalleryNotFound: There is none.
            ModelMismatch: Another model made it.
            GenerationMismatch: Its build was interrupted.
            GalleryDamaged: Acknowledged writes are lost, or a row fails its checksum.
        """
        folder = active_folder(path)
        records = open_records(folder, writable=False, model_fingerprint=model_fingerprint)
        try:
            view, current = first_view(folder, records)
            return cls(folder, records, name or path.resolve().name, view, current, follow_s, check_every, events)
        except BaseException:
            records.close()
            raise

    def generations(self) -> Sequence[GenerationInfo]:
        """Return the generations that are kept, newest first."""
        return kept_generations(self._path, self._current, self._views.current.number)

    def reload(self) -> bool:
        """See what was written and published since; returns whether there was anything.

        Two small files are read where nothing was written. Searches go on meanwhile.

        Raises:
            GalleryDamaged: A row or a note of a removed one fails its checksum; what was searched before still is.
        """
        with self._reloading:
            current = None
            with contextlib.suppress(GalleryDamaged):  # then the generation in use stays so
                current = read_current(self._path)
            if current is not None and current != self._current:
                view, self._current = first_view(self._path, self._records)
            elif read_committed(self._path).sequence > self._views.current.sequence:
                view = caught_up(self._views.current, self._records, self._reading.dimension)
            else:
                return False
            if view.number != self._views.current.number:
                self._events.swapped(SwapResult.FOLLOWED)
            self._views.replace(view)
            return True

    def close(self) -> None:
        """Let go of files; calling it twice is harmless."""
        self._closing.set()
        if self._follower is not None:
            self._follower.join()
        self._reading.close()
        self._records.close()

    def _follow(self, every_s: float) -> None:
        said = ""
        while not self._closing.wait(every_s):
            try:
                self.reload()
                said = ""
            except SmserveError as error:
                if error.message != said:  # once, not every second
                    said = error.message
                    _log.error("gallery %s can't be followed and is searched as it was: %s", self._path, said)
