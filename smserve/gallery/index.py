"""The only part of smserve that touches FAISS: exact search by inner product, for now the one kind of index."""

from pathlib import Path
from typing import Final

import faiss
import numpy as np
from numpy.typing import NDArray

from smserve.errors import GalleryDamaged, InvalidVector, SmserveError
from smserve.types import FloatArray

__all__ = ["EXACT", "VectorIndex"]

EXACT: Final = "Flat"
"""FAISS index string of exact search."""

Positions = NDArray[np.int64]


class VectorIndex:
    """Vectors by position, searched by cosine; safe to search from many threads."""

    def __init__(self, index: faiss.Index) -> None:
        self._index: Final = index
        self.dimension: Final[int] = index.d

    @classmethod
    def build(cls, vectors: FloatArray, index_string: str = EXACT) -> "VectorIndex":
        """Index vectors (N, D) of unit norm."""
        index = faiss.index_factory(vectors.shape[1], index_string, faiss.METRIC_INNER_PRODUCT)
        index.add(np.ascontiguousarray(vectors, np.float32))
        return cls(index)

    @classmethod
    def load(cls, path: Path) -> "VectorIndex":
        """Load an index file, mapped into memory; its checksum must have been verified: FAISS files carry none.

        Raises:
            GalleryDamaged: FAISS can't read it.
        """
        try:
            return cls(faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC))
        except RuntimeError as error:
            raise GalleryDamaged(f"{path} can't be read by FAISS: {_reason(error)}") from None

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

    def __len__(self) -> int:
        """Number of vectors."""
        return int(self._index.ntotal)

    def search(
        self, queries: FloatArray, top_k: int, kept: NDArray[np.bool_] | None = None
    ) -> list[tuple[Positions, FloatArray]]:
        """Find the nearest vectors of each query.

        Args:
            queries: (Q, D) float32, unit norm.
            top_k: At least 1; fewer come back where there are fewer.
            kept: (N,) positions that may be found; None means all.

        Returns:
            For each query positions and cosines, by falling cosine.

        Raises:
            InvalidVector: The queries have another dimension; FAISS itself would only say that an assertion failed.
        """
        if queries.ndim != 2 or queries.shape[1] != self.dimension:
            raise InvalidVector(
                f"the vector has {queries.shape[-1]} numbers, the gallery has D={self.dimension}; embed the query with "
                f"the gallery's own model",
                field="vector",
            )
        top_k = min(top_k, len(self))
        if top_k == 0:
            empty = (np.zeros(0, np.int64), np.zeros(0, np.float32))
            return [empty] * len(queries)
        parameters = None
        if kept is not None:
            bitmap = np.packbits(kept, bitorder="little")
            parameters = faiss.SearchParameters(sel=faiss.IDSelectorBitmap(bitmap))
        scores, positions = self._index.search(np.ascontiguousarray(queries, np.float32), top_k, params=parameters)
        found = positions >= 0  # FAISS fills empty places with -1
        return [(positions[row, found[row]], scores[row, found[row]]) for row in range(len(queries))]


def _reason(error: RuntimeError) -> str:
    return (str(error).splitlines() or ["no reason given"])[0]
