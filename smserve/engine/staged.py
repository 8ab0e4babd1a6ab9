"""Galleries as their staged models see them, asked beside the ones in use to compare the answers.

A staged gallery is opened when it is first asked, and closed when nobody asked it for a while: most of the time it is
only there to be activated.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from smserve.engine.activation import folder_of
from smserve.engine.galleries import Galleries
from smserve.engine.models import Models
from smserve.engine.served import ServedGallery
from smserve.errors import GenerationMismatch

if TYPE_CHECKING:
    from smserve.gallery import LocalGallery
    from smserve.gallery.staging import Staged

__all__ = ["StagedGalleries"]

_IDLE_S: Final = 60.0


class StagedGalleries:
    """Owns what it opens, and closes it; safe to use from many threads."""

    def __init__(self, galleries: Galleries, models: Models, *, idle_s: float = _IDLE_S) -> None:
        """Begin with none open.

        Args:
            galleries: Whose staged models are asked.
            models: Where they are had from.
            idle_s: One that was not asked for as long is closed, at the latest after twice as long.
        """
        self._galleries: Final = galleries
        self._models: Final = models
        self._idle_s: Final = idle_s
        self._open: Final[dict[str, _Open]] = {}
        self._changing: Final = threading.Lock()

    @contextmanager
    def lease(self, name: str) -> Iterator[ServedGallery]:
        """Hold what is staged beside a gallery, with its model, inside the block.

        It answers with what was staged; writes since are not in it.

        Args:
            name: The gallery's, or an alias.

        Raises:
            GalleryNotFound: No such gallery is served.
            GalleryFixed: It lies in no folder, so nothing can be staged beside it.
            GenerationMismatch: Nothing is staged, or it was never complete.
            ModelNotFound: The server does not have the staged model.
            GalleryDamaged: What is staged can't be read.
        """
        with self._galleries.lease(name) as in_use:
            opened = self._begin(in_use)
            try:
                opened.reader.reload()
                yield opened.served
            finally:
                self._end(opened)

    def is_open(self, name: str) -> bool:
        """Whether what is staged beside a gallery is open."""
        with self._changing:
            return name in self._open

    def close(self) -> None:
        """Close them, in use or not; calling it twice is harmless."""
        with self._changing:
            closing = list(self._open.values())
            self._open.clear()
        for opened in closing:
            opened.end()

    def _begin(self, in_use: ServedGallery) -> "_Open":
        """Let a call use what is staged, until `_end`."""
        folder = folder_of(in_use)
        staged = _complete(in_use.name, folder)
        self._models.get(staged.model_fingerprint)  # may take long, and so not under the lock
        with self._changing:
            opened = self._open.get(in_use.name)
            if opened is None or not opened.is_of(folder, staged):
                if opened is not None:
                    self._retire(opened)
                opened = self._open[in_use.name] = _Open(in_use, folder, staged, self._models)
                threading.Thread(target=self._watch, args=(opened,), name="smserve-staged", daemon=True).start()
            opened.calls += 1
            opened.was_asked = True
            return opened

    def _end(self, opened: "_Open") -> None:
        with self._changing:
            opened.calls -= 1
            is_last = opened.is_retired and not opened.calls
        if is_last:
            opened.end()

    def _watch(self, opened: "_Open") -> None:
        """Close it once it was not asked for a while."""
        while not opened.ended.wait(self._idle_s):
            with self._changing:
                if not opened.was_asked and not opened.calls:
                    self._retire(opened)
                opened.was_asked = False

    def _retire(self, opened: "_Open") -> None:
        """Let no further call use it; the last one closes it. The lock is held."""
        opened.is_retired = True
        if self._open.get(opened.served.name) is opened:
            del self._open[opened.served.name]
        if not opened.calls:
            opened.end()


class _Open:
    """A staged gallery that is open, and how many calls use it."""

    def __init__(self, in_use: ServedGallery, folder: Path, staged: "Staged", models: Models) -> None:
        from smserve.gallery.staging import open_stage

        self._file: Final = _file_of(folder, staged)
        self.reader: Final[LocalGallery] = open_stage(folder, staged, in_use.name)
        self.served: Final = ServedGallery(
            name=in_use.name,
            reader=self.reader,
            model=models.get(staged.model_fingerprint),
            folder=folder,
            ours=in_use.ours,
        )
        self.calls = 0
        self.was_asked = True
        self.is_retired = False
        self.ended: Final = threading.Event()

    def is_of(self, folder: Path, staged: "Staged") -> bool:
        """Whether it is what is staged there now: that may have been discarded, and staged anew."""
        return self._file == _file_of(folder, staged)

    def end(self) -> None:
        self.ended.set()
        self.reader.close()


def _file_of(folder: Path, staged: "Staged") -> tuple[Path, int]:
    """Tell one staged gallery from another by its file, which keeps its number while it is open."""
    from smserve.gallery.records import FILE_NAME

    path = folder / staged.folder / FILE_NAME
    try:
        return path, path.stat().st_ino
    except OSError:  # discarded at this moment; who opens it says so
        return path, 0


def _complete(name: str, folder: Path) -> "Staged":
    """Return what is staged, once it held everything that the gallery did.

    Raises:
        GenerationMismatch: Nothing is, or it never did.
    """
    from smserve.gallery.staging import staged_beside

    staged = staged_beside(folder)
    if staged is None:
        raise GenerationMismatch(
            f"gallery {name!r} has no model staged beside the one in use; stage one first (`smserve gallery stage`, "
            f"StageModel), or search without `staged`"
        )
    if not staged.is_level:
        raise GenerationMismatch(
            f"the model staged beside gallery {name!r}, {staged.model_fingerprint}, was never complete; stage it again "
            f"(`smserve gallery stage`, StageModel): only what is missing is embedded"
        )
    return staged
