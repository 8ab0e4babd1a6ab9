"""Look at every byte that one model's vectors depend on, while others read and write them, and change nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np

from smserve.errors import GalleryDamaged, GalleryNotFound
from smserve.gallery.committed import FILE_NAME as COMMITTED
from smserve.gallery.committed import Committed, check_committed, read_committed
from smserve.gallery.current import FILE_NAME as CURRENT
from smserve.gallery.current import Current, read_current
from smserve.gallery.findings import Effect, Finding, Verification
from smserve.gallery.following import caught_up
from smserve.gallery.generation import FOLDER, Generation, generation_numbers, is_finished
from smserve.gallery.opening import check_count, sound_generation
from smserve.gallery.records import FILE_NAME as DATABASE
from smserve.gallery.records import Records
from smserve.gallery.tuning.choice_file import FILE_NAME as CHOICE
from smserve.gallery.tuning.choice_file import read_choice
from smserve.gallery.verify_records import verify_records
from smserve.gallery.view import View

__all__ = ["verify_model"]


def verify_model(folder: Path) -> Verification:
    """Verify a model's rows, thumbnails, indexes, generations and small files, and that they fit each other.

    Args:
        folder: Where they lie: of the gallery, or one of its folder models/.

    Raises:
        GalleryNotFound: There are none.
        SmserveError: They can't be read, for want of permission for example.
    """
    if not (folder / DATABASE).exists():
        raise GalleryNotFound(f"{folder} is no gallery (it has no {DATABASE}); check the path")
    return _Verifier(folder).verify()


class _Verifier:
    """Collects what it finds."""

    def __init__(self, path: Path) -> None:
        self._path: Final = path
        self._findings: Final[list[Finding]] = []
        self._generations: Final[list[Generation]] = []

    def verify(self) -> Verification:
        committed, current = self._small_files()
        items, sequence = 0, 0
        with self._finding(DATABASE, Effect.REFUSED):
            records = Records(self._path, writable=False)
            try:
                self._generations_of(records, current)
                with records.snapshot():
                    sequence = records.last_sequence()
                    self._acknowledged(records, committed, sequence)
                    items = verify_records(records, self._generations, self._found)
                self._found_by_search(records, current)
            finally:
                records.close()
        return Verification(
            gallery=self._path,
            item_count=items,
            sequence=sequence,
            generations=tuple(generation.manifest.number for generation in self._generations),
            findings=tuple(self._findings),
        )

    def _small_files(self) -> tuple[Committed | None, Current | None]:
        """Read COMMITTED first: it must not be newer than the rows."""
        committed, current = None, None
        with self._finding(COMMITTED, Effect.REFUSED):
            committed = read_committed(self._path)
        with self._finding(CURRENT, Effect.FALLBACK):
            current = read_current(self._path)
            if current is None and generation_numbers(self._path):
                raise GalleryDamaged("it is missing, so that the newest sound generation is taken")
        with self._finding(CHOICE, Effect.FALLBACK):
            read_choice(self._path)
        return committed, current

    def _acknowledged(self, records: Records, committed: Committed | None, sequence: int) -> None:
        if committed is None:
            return
        with self._finding(DATABASE, Effect.REFUSED):
            check_committed(self._path, committed, sequence, records.contents())
        if sequence > 1 and not (self._path / COMMITTED).exists():
            problem = f"it is missing: whether writes after {sequence} were acknowledged and lost can't be told"
            self._found(COMMITTED, problem, Effect.NONE)

    def _generations_of(self, records: Records, current: Current | None) -> None:
        numbers = generation_numbers(self._path)
        if not is_finished(self._path):
            self._found(FOLDER, "its build was interrupted: no generation was published", Effect.NONE)
        if current is not None and current.generation not in numbers:
            self._found(CURRENT, f"it names generation {current.generation}, which is missing", Effect.FALLBACK)
        for number in numbers:
            sha256 = current.manifest_sha256 if current is not None and current.generation == number else None
            try:
                self._generations.append(sound_generation(self._path, records, number, sha256))
            except GalleryDamaged as error:
                if number in generation_numbers(self._path):  # else a writer dropped it meanwhile
                    self._found(f"{FOLDER}/{number:06d}", error.message, Effect.FALLBACK)

    def _found_by_search(self, records: Records, current: Current | None) -> None:
        """Compare what is found in each generation, and the rows since, with what is there, item by item."""
        dimension, named = int(records.meta()["dimension"]), current.generation if current else 0
        generations: list[Generation | None] = [*self._generations]
        generations.sort(key=lambda each: each is not None and each.manifest.number != named)  # the named one first
        for place, generation in enumerate(generations or [None]):
            number = generation.manifest.number if generation else 0
            with self._finding(DATABASE, Effect.IN_PART if place else Effect.REFUSED):
                view = caught_up(View.of(generation, dimension), records, dimension)
                check_count(self._path, view, records)
                with records.snapshot():
                    keys = np.sort(records.keys(up_to_sequence=view.sequence))
                    if records.last_sequence() != view.sequence:
                        continue  # written to meanwhile
                different = np.setxor1d(keys, _keys_of(view))
                if len(different):
                    raise GalleryDamaged(
                        f"with generation {number}, {len(different):,} rows are stored and not found, or found and not "
                        f"stored (key {different[0]}, for one)"
                    )

    @contextmanager
    def _finding(self, place: str, effect: Effect) -> Iterator[None]:
        """Note an error of the block instead of raising it."""
        try:
            yield
        except GalleryDamaged as error:
            self._found(place, error.message, effect)

    def _found(self, place: str, problem: str, effect: Effect) -> None:
        finding = Finding(place=place, problem=problem, effect=effect)
        if finding not in self._findings:
            self._findings.append(finding)


def _keys_of(view: View) -> np.ndarray:
    """Return the keys that a search can find, ascending."""
    fresh = view.fresh.keys[view.fresh.living()]
    if view.generation is None:
        return np.sort(fresh)
    keys = view.generation.keys
    return np.sort(np.concatenate([keys if view.kept is None else keys[view.kept.booleans()], fresh]))
