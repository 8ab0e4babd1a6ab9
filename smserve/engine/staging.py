"""A gallery's pictures embedded again with another model, while it is searched and written to."""

import queue
import threading
from collections.abc import Iterator
from typing import Final

from smserve.engine.activation import folder_of
from smserve.engine.galleries import Galleries
from smserve.engine.interest import StillWanted, always_wanted
from smserve.engine.models import Models
from smserve.engine.served import Origin, ServedGallery
from smserve.engine.storage import StageReport, Storage
from smserve.errors import Cancelled, GalleryFixed, GalleryNotFound, InvalidInput
from smserve.types.administration import RefusedItem, StagingProgress

__all__ = ["Staging"]

_TOLD_S: Final = 0.5  # how often it is told how far it is
_REFUSED: Final = 1000  # refused items that are named


class Staging:
    """Safe to use from many threads."""

    def __init__(self, galleries: Galleries, models: Models, storage: Storage) -> None:
        self._galleries: Final = galleries
        self._models: Final = models
        self._storage: Final = storage

    def stage(
        self, gallery: str, model_fingerprint: str, still_wanted: StillWanted = always_wanted
    ) -> Iterator[tuple[StagingProgress, Origin]]:
        """Embed every item that the staged model lacks, and say how far that is; see `smserve.indexing.stage_with`.

        Whoever stops reading ends it; what is embedded stays.

        Args:
            gallery: Its name, or an alias.
            model_fingerprint: The model.
            still_wanted: Called before each item; what it raises ends the staging.

        Raises:
            InvalidInput: No model is named.
            GalleryNotFound: No such gallery is served, or it is dropped meanwhile.
            GalleryReadOnly: It is served for reading.
            ModelNotFound: The server does not have the model.
            AlreadyExists: The model is in use, or another one is staged.
            GalleryLocked: It is being staged already.
            Overloaded: The gallery is written to faster than it can be followed.
        """
        if not model_fingerprint:
            raise InvalidInput("model_fingerprint is empty; name the model to be staged", field="model_fingerprint")
        with self._galleries.lease(gallery) as served:
            served.writer()
        model = self._models.get(model_fingerprint)
        with self._galleries.lease(gallery) as served:
            run = _Run(self._galleries, self._models, self._storage, served, model_fingerprint, still_wanted)
            origin = Origin(model_fingerprint=model.fingerprint, gallery=served.name, generation=served.generation())
            try:
                for progress in run.progress():
                    yield progress, origin
            finally:
                run.end()


class _Run:
    """One staging, in a thread of its own: its caller's waits, to tell how far it is."""

    def __init__(
        self,
        galleries: Galleries,
        models: Models,
        storage: Storage,
        served: ServedGallery,
        model_fingerprint: str,
        still_wanted: StillWanted,
    ) -> None:
        if storage.stage is None:
            raise GalleryFixed(
                "this server can't read the pictures of its galleries; stage with `smserve gallery stage`"
            )
        self._galleries: Final = galleries
        self._served: Final = served
        self._model: Final = models.get(model_fingerprint)
        self._stage: Final = storage.stage
        self._folder: Final = folder_of(served)
        self._still_wanted: Final = still_wanted
        self._ended: Final = threading.Event()
        self._outcome: Final[queue.SimpleQueue[StageReport | BaseException]] = queue.SimpleQueue()
        self._done, self._total = 0, 0
        self._thread: Final = threading.Thread(target=self._work, name="smserve-stage", daemon=True)

    def progress(self) -> Iterator[StagingProgress]:
        """Begin, and yield how far it is, to the end."""
        self._thread.start()
        while True:
            try:
                outcome = self._outcome.get(timeout=_TOLD_S)
            except queue.Empty:
                yield self._progress()
                continue
            if isinstance(outcome, BaseException):
                try:
                    raise outcome
                finally:
                    del outcome  # it holds this frame, and so the model
            yield self._last(outcome)
            return

    def end(self) -> None:
        """End it, finished or not."""
        self._ended.set()
        self._thread.join()

    def _work(self) -> None:
        try:
            report = self._stage(
                self._folder,
                self._model.embedder,
                self._model.path or self._folder,
                progress=self._tell,
                still_wanted=self._check_wanted,
            )
            self._outcome.put(report)
        except BaseException as error:  # noqa: BLE001 - raised where the caller waits
            self._outcome.put(error)

    def _tell(self, done: int, total: int) -> None:
        self._done, self._total = done, total

    def _check_wanted(self) -> None:
        if self._ended.is_set():
            raise Cancelled("the caller gave up; what is embedded stays")
        if self._galleries.is_dropped(self._served.name):
            raise GalleryNotFound(f"gallery {self._served.name!r} was dropped meanwhile")
        self._still_wanted()

    def _progress(self) -> StagingProgress:
        return StagingProgress(
            embedded_count=self._done,
            total_count=self._total,
            ready=False,
            refused=(),
            refused_count=0,
            gallery=self._served.name,
            model_fingerprint=self._model.fingerprint,
        )

    def _last(self, report: StageReport) -> StagingProgress:
        return StagingProgress(
            embedded_count=report.embedded,
            total_count=max(self._total, report.embedded),
            ready=not report.refused,
            refused=tuple(
                RefusedItem(item_id=each.item_id, source_uri=each.path, message=each.reason)
                for each in report.refused[:_REFUSED]
            ),
            refused_count=len(report.refused),
            gallery=self._served.name,
            model_fingerprint=self._model.fingerprint,
        )
