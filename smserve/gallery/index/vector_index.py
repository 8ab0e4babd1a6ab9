"""Vectors by position, searched by cosine with whatever index was chosen."""

from pathlib import Path
from typing import Final

import faiss
import numpy as np
from numpy.typing import NDArray

from smserve.errors import GalleryDamaged, InvalidVector, SmserveError
from smserve.gallery.bitmap import Bitmap, Positions
from smserve.gallery.index.building import build_index, reason
from smserve.gallery.index.choice import IndexChoice
from smserve.gallery.index.look import Look, exhaustive_look, look_at
from smserve.gallery.index.parameters import TUNED_TOP_K, apply_settings, effort_for, scanning_is_cheaper
from smserve.types import FloatArray

__all__ = ["VectorIndex"]

_UNTOUCHED: Final = faiss.cvar.distance_compute_blas_threshold
_BLAS_FROM: Final = 8  # queries; below, FAISS compares one by one, which is faster


class VectorIndex:
    """Safe to search from many threads.

    Attributes:
        choice: Which index it is, and what it is searched with.
        dimension: D.
    """

    def __init__(self, index: faiss.Index, choice: IndexChoice) -> None:
        apply_settings(index, choice)
        self.choice: Final = choice
        self.dimension: Final[int] = index.d
        self._index: Final = index
        self._near: Final = look_at(index)
        self._far_score: Final = choice.far_score
        self._count: Final[int] = int(index.ntotal)
        self._masked: tuple[Bitmap, faiss.IDSelector, int] | None = None  # the last mask: most searches share it
        _prefer_matrix_products(index.d)

    @classmethod
    def build(
        cls, vectors: FloatArray, choice: IndexChoice | None = None, *, seed: int = 0, threads: int = 1
    ) -> "VectorIndex":
        """Index vectors (N, D) of unit norm, exactly unless told otherwise; see `build_index`."""
        choice = choice or IndexChoice()
        return cls(build_index(vectors, choice, seed=seed, threads=threads), choice)

    @classmethod
    def load(cls, path: Path, choice: IndexChoice) -> "VectorIndex":
        """Load an index file, mapped into memory where FAISS can; its checksum must have been verified: it has none.

        Args:
            path: What `save` wrote.
            choice: What it was built with. FAISS's file holds FAISS's own settings, which stay where this has none.

        Raises:
            GalleryDamaged: FAISS can't read it.
        """
        try:
            return cls(faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC), choice)
        except RuntimeError as error:
            raise GalleryDamaged(f"{path} can't be read by FAISS: {reason(error)}") from None

    def save(self, path: Path) -> None:
        """Write an index file.

        Raises:
            SmserveError: It can't be written, for want of room for example.
        """
        try:
            with path.open("wb") as file:  # FAISS's own files are buffered, and closed without looking at the outcome
                faiss.write_index(self._index, faiss.PyCallbackIOWriter(file.write))
        except OSError as error:
            raise SmserveError(f"{path} can't be written: {error.strerror}; mend that and run again") from None

    def with_settings(self, choice: IndexChoice) -> "VectorIndex":
        """Return this index, searched with other settings from now on; not while others search it."""
        return VectorIndex(self._index, choice)

    def __len__(self) -> int:
        """Number of vectors."""
        return self._count

    def size_bytes(self) -> int:
        """Return the size of the file that `save` would write, which is what it takes in memory, too."""
        written = 0

        def count(data: bytes) -> int:
            nonlocal written
            written += len(data)
            return len(data)

        faiss.write_index(self._index, faiss.PyCallbackIOWriter(count))
        return written

    def search(
        self, queries: FloatArray, top_k: int, kept: Bitmap | NDArray[np.bool_] | None = None
    ) -> list[tuple[Positions, FloatArray]]:
        """Return for each query positions and cosines, by falling cosine; see `nearest`."""
        positions, scores = self.nearest(queries, top_k, kept)
        return list(zip(positions, scores, strict=True))

    def nearest(
        self, queries: FloatArray, top_k: int, kept: Bitmap | NDArray[np.bool_] | None = None
    ) -> tuple[Positions, FloatArray]:
        """Find the nearest vectors of each query.

        The more hits are wanted, and the fewer positions may be found, the harder an approximate index looks; where a
        look at every vector costs less, or fewer hits than there are come back, it does that. Queries whose 10th hit
        scores below `choice.far_score` are looked at a second time.

        Args:
            queries: (Q, D) float32, unit norm.
            top_k: At least 1; fewer come back where there are fewer.
            kept: (N,) positions that may be found; None means all.

        Returns:
            Positions and cosines (Q, K), by falling cosine; K is `top_k`, or less where there are fewer.

        Raises:
            InvalidVector: The queries have another dimension; FAISS itself would only say that an assertion failed.
        """
        if queries.ndim != 2 or queries.shape[1] != self.dimension:
            raise InvalidVector(
                f"the vector has {queries.shape[-1]} numbers, the gallery has D={self.dimension}; embed the query with "
                f"the gallery's own model",
                field="vector",
            )
        queries = np.ascontiguousarray(queries, np.float32)
        selector, count = (None, self._count) if kept is None else self._mask(kept)
        wanted = min(max(top_k, TUNED_TOP_K), count)  # fewer candidates than it was tuned with would cost recall
        if wanted == 0 or not len(queries):
            return np.zeros((len(queries), wanted), np.int64), np.zeros((len(queries), wanted), np.float32)
        effort = 1.0
        if kept is None and wanted <= TUNED_TOP_K:  # what most searches are; each microsecond here shows
            look = self._near
        else:
            effort = effort_for(wanted, count / self._count)
            look = self._look(effort, count / self._count, selector)
        scores, positions = look(queries, wanted)
        several = len(queries) > 1
        if self._far_score is not None:
            tenth = scores[:, min(wanted, TUNED_TOP_K) - 1]
            if several or tenth[0] < self._far_score:
                far = look_at(self._index, effort, selector, nprobe=self.choice.far_nprobe)
                _again(far, tenth < self._far_score, queries, scores, positions)
        if positions[-1, -1] < 0 or (several and positions[:, -1].min() < 0):
            # FAISS fills places that it found nothing for with -1.
            _again(exhaustive_look(self._index, selector), positions[:, -1] < 0, queries, scores, positions)
        return (positions, scores) if wanted <= top_k else (positions[:, :top_k], scores[:, :top_k])

    def _look(self, effort: float, share: float, selector: faiss.IDSelector | None) -> Look:
        if effort > 1.0 and scanning_is_cheaper(self._index, effort, share):
            return exhaustive_look(self._index, selector)
        return look_at(self._index, effort, selector)

    def _mask(self, kept: Bitmap | NDArray[np.bool_]) -> tuple[faiss.IDSelector, int]:
        """Return the selector of the kept positions, and how many they are."""
        bitmap = kept if isinstance(kept, Bitmap) else Bitmap.from_booleans(kept)
        masked = self._masked
        if masked is None or masked[0] is not bitmap:
            count = int.from_bytes(bitmap.packed.tobytes(), "little").bit_count()
            masked = (bitmap, faiss.IDSelectorBitmap(bitmap.packed), count)
            self._masked = masked
        return masked[1:]


def _again(look: Look, which: NDArray[np.bool_], queries: FloatArray, scores: FloatArray, positions: Positions) -> None:
    """Replace what was found for some of the queries."""
    rows = np.flatnonzero(which)
    if len(rows):
        scores[rows], positions[rows] = look(queries[rows], scores.shape[1])


def _prefer_matrix_products(dimension: int) -> None:
    """Let FAISS compare batches by matrix product: 2.5 times faster on 64 queries.

    It does so once the numbers of a batch, queries times D, reach a limit, which by default only huge ones do. The
    limit is the process's; galleries of several D share the one of the largest.
    """
    current = faiss.cvar.distance_compute_blas_threshold
    wanted = _BLAS_FROM * dimension
    if current == _UNTOUCHED or current < wanted:
        faiss.cvar.distance_compute_blas_threshold = wanted
