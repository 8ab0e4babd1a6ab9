"""Vectors by position, searched by cosine with whatever index was chosen."""

from pathlib import Path
from typing import Any, Final

import faiss
import numpy as np
from numpy.typing import NDArray

from smserve.errors import GalleryDamaged, InvalidVector, SmserveError
from smserve.gallery.bitmap import Bitmap, Positions
from smserve.gallery.index.building import build_index, reason
from smserve.gallery.index.choice import IndexChoice
from smserve.gallery.index.parameters import (
    TUNED_TOP_K,
    apply_settings,
    effort_for,
    exhaustive,
    parameters_for,
    scanning_is_cheaper,
)
from smserve.types import FloatArray

__all__ = ["VectorIndex"]

_UNTOUCHED: Final = faiss.cvar.distance_compute_blas_threshold
_BLAS_FROM: Final = 8  # queries; below, FAISS compares one by one, which is faster


class VectorIndex:
    """Safe to search from many threads."""

    def __init__(self, index: faiss.Index) -> None:
        self._index: Final = index
        self.dimension: Final[int] = index.d
        self._parameters: Final = parameters_for(index)
        self._count: Final[int] = int(index.ntotal)
        self._masked: tuple[Bitmap, faiss.IDSelector, int] | None = None  # the last mask: most searches share it
        _prefer_matrix_products(index.d)

    @classmethod
    def build(
        cls, vectors: FloatArray, choice: IndexChoice | None = None, *, seed: int = 0, threads: int = 1
    ) -> "VectorIndex":
        """Index vectors (N, D) of unit norm, exactly unless told otherwise; see `build_index`."""
        return cls(build_index(vectors, choice or IndexChoice(), seed=seed, threads=threads))

    @classmethod
    def load(cls, path: Path) -> "VectorIndex":
        """Load an index file, mapped into memory where FAISS can; its checksum must have been verified: it has none.

        The settings that it was saved with come back with it.

        Raises:
            GalleryDamaged: FAISS can't read it.
        """
        try:
            return cls(faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC))
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
        apply_settings(self._index, choice)
        return VectorIndex(self._index)

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
        look at every vector costs less, or fewer hits than there are come back, it does that.

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
        if kept is None and wanted <= TUNED_TOP_K:  # what most searches are; each microsecond here shows
            scores, positions = self._ask(queries, wanted, self._parameters)
        else:
            share = count / self._count
            effort = effort_for(wanted, share)
            if effort > 1.0 and scanning_is_cheaper(self._index, effort, share):
                scores, positions = self._scan(queries, wanted, selector)
            else:
                scores, positions = self._ask(queries, wanted, parameters_for(self._index, effort, selector))
        # FAISS fills places that it found nothing for with -1.
        if positions[0, -1] < 0 or (len(queries) > 1 and positions[:, -1].min() < 0):
            scores, positions = self._scan(queries, wanted, selector)
        return (positions, scores) if wanted <= top_k else (positions[:, :top_k], scores[:, :top_k])

    def _ask(self, queries: FloatArray, wanted: int, parameters: Any) -> tuple[FloatArray, Positions]:
        """Search as FAISS's own Python wrapper does, without its checks, which cost as much as a short search."""
        scores = np.empty((len(queries), wanted), np.float32)
        positions = np.empty((len(queries), wanted), np.int64)
        where = faiss.swig_ptr(queries), wanted, faiss.swig_ptr(scores), faiss.swig_ptr(positions)
        self._index.search_c(len(queries), *where, parameters)
        return scores, positions

    def _scan(
        self, queries: FloatArray, wanted: int, selector: faiss.IDSelector | None
    ) -> tuple[FloatArray, Positions]:
        index, parameters = exhaustive(self._index, selector)
        found: tuple[FloatArray, Positions] = index.search(queries, wanted, params=parameters)
        return found

    def _mask(self, kept: Bitmap | NDArray[np.bool_]) -> tuple[faiss.IDSelector, int]:
        """Return the selector of the kept positions, and how many they are."""
        bitmap = kept if isinstance(kept, Bitmap) else Bitmap.from_booleans(kept)
        masked = self._masked
        if masked is None or masked[0] is not bitmap:
            count = int.from_bytes(bitmap.packed.tobytes(), "little").bit_count()
            masked = (bitmap, faiss.IDSelectorBitmap(bitmap.packed), count)
            self._masked = masked
        return masked[1:]


def _prefer_matrix_products(dimension: int) -> None:
    """Let FAISS compare batches by matrix product: 2.5 times faster on 64 queries.

    It does so once the numbers of a batch, queries times D, reach a limit, which by default only huge ones do. The
    limit is the process's; galleries of several D share the one of the largest.
    """
    current = faiss.cvar.distance_compute_blas_threshold
    wanted = _BLAS_FROM * dimension
    if current == _UNTOUCHED or current < wanted:
        faiss.cvar.distance_compute_blas_threshold = wanted
