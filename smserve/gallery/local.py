"""A gallery in a folder, open for search.

It searches the current generation, less what was replaced or deleted since, and, exactly, what was written since.
Where a generation is damaged, an older one and a longer tail of newer rows give the same answers; where none is sound,
the rows alone do.
"""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smserve.errors import GalleryDamaged, GenerationMismatch, InvalidVector, ItemNotFound, ModelMismatch
from smserve.gallery.committed import check_committed, read_committed
from smserve.gallery.generation import Generation, current_number, generation_numbers
from smserve.gallery.index import EXACT, VectorIndex
from smserve.gallery.interface import GalleryReader, Neighbours
from smserve.gallery.records import Records
from smserve.gallery.row import Row
from smserve.types import FieldMask, FloatArray, GalleryInfo, Hit, Item

__all__ = ["LocalGallery"]

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _View:
    """What is searched; never changed, so that a search sees one state from begin to end.

    Attributes:
        generation: The sound generation in use, or None.
        kept: (N,) positions of it that are still there; None means all.
        fresh_keys: (M,) keys of the rows written since.
        fresh: Their vectors, or None where there are none.
        count: Searchable items.
        sequence: Of the last write that it holds.
    """

    generation: Generation | None
    kept: NDArray[np.bool_] | None
    fresh_keys: NDArray[np.int64]
    fresh: VectorIndex | None
    count: int
    sequence: int


class LocalGallery(GalleryReader):
    """Search and look up; safe to call from many threads."""

    def __init__(self, path: Path, records: Records, name: str, view: _View) -> None:
        """See `open`."""
        meta = records.meta()
        self._path: Final = path
        self._records: Final = records
        self._name: Final = name
        self._view = view
        self._dimension: Final = int(meta["dimension"])
        self._metric: Final = meta["metric"]
        self._model_fingerprint: Final = meta["model_fingerprint"]

    @classmethod
    def open(cls, path: Path, *, name: str | None = None, model_fingerprint: str | None = None) -> "LocalGallery":
        """Open a finished gallery.

        Args:
            path: Its folder.
            name: What it is called in answers; the folder's name by default.
            model_fingerprint: When given, a gallery of another model is refused.

        Raises:
            GalleryNotFound: There is none.
            ModelMismatch: Another model made it.
            GenerationMismatch: Its build was interrupted.
            GalleryDamaged: Acknowledged writes are lost, or a row fails its checksum.
        """
        acknowledged = read_committed(path)  # before the records, which a writer may be moving on
        records = Records(path, writable=False)
        try:
            made_by = records.meta()["model_fingerprint"]
            if model_fingerprint is not None and made_by != model_fingerprint:
                raise ModelMismatch(
                    f"gallery {path} was built with model {made_by}, the model given is {model_fingerprint}; serve the "
                    f"gallery's own model, or build a gallery with this one: `smserve index build`"
                )
            check_committed(path, acknowledged, records.last_sequence())
            return cls(path, records, name or path.resolve().name, _view(path, records))
        except BaseException:
            records.close()
            raise

    def info(self) -> GalleryInfo:
        """Describe what is searched now; generation 0 means the rows themselves, where no generation is sound."""
        generation = self._view.generation
        return GalleryInfo(
            name=self._name,
            item_count=self._view.count,
            dimension=self._dimension,
            metric=self._metric,
            model_fingerprint=self._model_fingerprint,
            generation=generation.manifest.number if generation else 0,
            index=generation.manifest.index if generation else EXACT,
        )

    def search(self, vectors: FloatArray, top_k: int, fields: FieldMask) -> Neighbours:
        """Find the nearest items of each query; see `GalleryReader`."""
        view = self._view
        if vectors.ndim != 2 or vectors.shape[1] != self._dimension:
            raise InvalidVector(
                f"the vector has {vectors.shape[-1]} numbers, gallery {self._name!r} has D={self._dimension}; embed "
                f"the query with the gallery's own model",
                field="vector",
            )
        found: list[list[tuple[float, int]]] = [[] for _ in vectors]  # (score, key)
        parts: list[tuple[VectorIndex | None, NDArray[np.int64], NDArray[np.bool_] | None]]
        parts = [(view.fresh, view.fresh_keys, None)]
        if view.generation is not None:
            parts.append((view.generation.index, view.generation.keys, view.kept))
        for index, keys, kept in parts:
            if index is None:
                continue
            for query, (positions, scores) in enumerate(index.search(vectors, top_k, kept)):
                found[query] += zip(scores.tolist(), keys[positions].tolist(), strict=True)
        nearest = [sorted(each, key=lambda pair: -pair[0])[:top_k] for each in found]
        rows = self._rows(view, {key for each in nearest for _, key in each})
        hits = tuple(
            tuple(sorted((self._hit(rows[key], score, fields) for score, key in each if key in rows), key=_order))
            for each in nearest
        )
        return Neighbours(generation=view.generation.manifest.number if view.generation else 0, hits=hits)

    def get(self, item_id: str, fields: FieldMask) -> Item:
        """Return one item; see `GalleryReader`."""
        row = self._records.by_id(item_id)
        if row is None:
            raise ItemNotFound(f"gallery {self._name!r} has no item {item_id!r}; check the id")
        return Item(
            item_id=row.item_id,
            label=row.label,
            payload=row.payload_object() if fields.payload else {},
            source_uri=row.source_uri,
            vector=row.embedding() if fields.vector else None,
            thumbnail=self._records.thumbnail(row) if fields.thumbnail else None,
        )

    def close(self) -> None:
        """Let go of files; calling it twice is harmless."""
        self._records.close()

    def _rows(self, view: _View, keys: set[int]) -> dict[int, Row]:
        """Return the rows of keys, less those deleted since the gallery was opened."""
        rows = self._records.by_key(sorted(keys))
        if len(rows) < len(keys) and self._records.last_sequence() <= view.sequence:
            raise GalleryDamaged(
                f"gallery {self._path} has lost {len(keys) - len(rows)} rows that nobody deleted (key "
                f"{min(keys - rows.keys())}, for one); restore it from a copy, or build it again"
            )
        return rows

    def _hit(self, row: Row, score: float, fields: FieldMask) -> Hit:
        return Hit(
            item_id=row.item_id,
            score=min(1.0, max(-1.0, score)),  # rounding can leave the range by a hair
            label=row.label,
            payload=row.payload_object() if fields.payload else {},
            vector=row.embedding() if fields.vector else None,
            thumbnail=self._records.thumbnail(row) if fields.thumbnail else None,
        )


def _order(hit: Hit) -> tuple[float, str]:
    return -hit.score, hit.item_id


def _view(path: Path, records: Records) -> _View:
    """Return what is to be searched: the newest sound generation, and everything written since."""
    sequence = records.last_sequence()
    generation = _soundest(path, records)
    covered = generation.manifest.last_sequence if generation else 0
    kept = None
    if generation is not None and sequence > covered:
        alive = np.isin(generation.keys, np.array(records.keys(up_to_sequence=covered), np.int64))
        kept = None if alive.all() else alive
    fresh = [(row.key, row.embedding()) for row in records.rows(after_sequence=covered)]
    fresh_keys = np.array([key for key, _ in fresh], np.int64)
    old_keys = generation.keys[... if kept is None else kept] if generation else fresh_keys
    count, found = records.count(), len(np.unique(np.concatenate([old_keys, fresh_keys])))
    if found != count and records.last_sequence() == sequence:
        raise GalleryDamaged(
            f"gallery {path} has {count:,} items, {found:,} of them can be found; restore it from a copy, or build it "
            f"again"
        )
    return _View(
        generation=generation,
        kept=kept,
        fresh_keys=fresh_keys,
        fresh=VectorIndex.build(np.stack([vector for _, vector in fresh])) if fresh else None,
        count=count,
        sequence=sequence,
    )


def _soundest(path: Path, records: Records) -> Generation | None:
    """Return the generation that CURRENT names, or, where that is damaged, the newest one that is sound."""
    numbers = generation_numbers(path)
    sha256 = None
    try:
        current = current_number(path)
        if current is None and not numbers:
            raise GenerationMismatch(
                f"gallery {path} has no finished generation: {records.count():,} items are written; run the same "
                f"`smserve index build` again to finish it"
            )
        if current is not None:
            numbers = [current[0], *(number for number in numbers if number < current[0])]
            sha256 = current[1]
    except GalleryDamaged as error:
        _log.error("%s; looking for the newest sound generation", error)
    for number in numbers:
        try:
            generation = Generation.open(path, number, manifest_sha256=sha256)
            _check_belongs(generation, records)
            return generation
        except GalleryDamaged as error:
            _log.error("generation %d of gallery %s is damaged and not used: %s", number, path, error)
        sha256 = None  # CURRENT vouches for one manifest alone
    _log.error("gallery %s has no sound generation; it is searched from its records", path)
    return None


def _check_belongs(generation: Generation, records: Records) -> None:
    """Check that a generation was made from these records, not from others nor from what was lost of them.

    Raises:
        GalleryDamaged: It was not.
    """
    meta, manifest = records.meta(), generation.manifest
    theirs = (manifest.model_fingerprint, str(manifest.dimension), manifest.metric)
    if theirs != (meta["model_fingerprint"], meta["dimension"], meta["metric"]):
        raise GalleryDamaged(f"its vectors are of model {theirs[0]} (D={theirs[1]}), not of the gallery's")
    if manifest.last_sequence > records.last_sequence():
        raise GalleryDamaged(f"it holds writes up to {manifest.last_sequence}, the records end before")
