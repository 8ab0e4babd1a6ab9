"""Parquet files of items, read.

Columns: item_id, label, payload (JSON), source_uri, source_sha256 as text; vector as a fixed-size list of D float32;
thumbnail as bytes, where wanted. A row group holds a few thousand rows, so that neither side ever holds the whole file.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from smserve.errors import InvalidInput
from smserve.gallery.interchange.arrow import load_arrow, load_parquet
from smserve.gallery.interchange.header import Header
from smserve.types import FloatArray

__all__ = ["TEXTS", "ItemBatch", "ItemFile"]

TEXTS: Final = ("item_id", "label", "payload", "source_uri", "source_sha256")
_REQUIRED: Final = ("item_id", "vector")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ItemBatch:
    """Some rows of a file.

    Attributes:
        first_row: Number of the first, from 1.
        vectors: (B, D) float32.
        texts: Column -> B texts; columns that the file lacks, and missing values, are "".
        thumbnails: B encoded JPEGs, or None each.
    """

    first_row: int
    vectors: FloatArray
    texts: dict[str, list[str]]
    thumbnails: list[bytes | None]


class ItemFile:
    """A file of items, open for reading; ours, or another program's with at least item_id and vector."""

    def __init__(self, path: Path) -> None:
        """Open it.

        Raises:
            InvalidInput: It is no Parquet file, or lacks a column.
            SmserveError: pyarrow is missing.
        """
        self._arrow: Final = load_arrow()
        self.path: Final = path
        try:
            self._file: Final = load_parquet().ParquetFile(path, page_checksum_verification=True)
        except (OSError, self._arrow.ArrowException) as error:
            raise InvalidInput(f"{path} can't be read as Parquet: {_first_line(error)}", field="file") from None
        schema = self._file.schema_arrow
        self._names: Final = set(schema.names)
        missing = [name for name in _REQUIRED if name not in self._names]
        if missing:
            raise InvalidInput(
                f"{path} has no column {missing[0]!r}, but {', '.join(schema.names) or 'none at all'}; wanted item_id "
                f"and vector, and where there are any label, payload (JSON), source_uri, source_sha256, thumbnail",
                field="file",
            )
        self.header: Final = Header.from_metadata(str(path), schema.metadata or {})
        self.row_count: Final[int] = self._file.metadata.num_rows

    def batches(self, size: int, *, dimension: int | None = None) -> Iterator[ItemBatch]:
        """Yield all rows, `size` at a time.

        Args:
            size: Rows of a batch.
            dimension: D that each vector must have; that of the first by default.

        Raises:
            InvalidInput: A page fails its checksum, a value is missing, of the wrong type or length; the row is named.
        """
        wanted = [name for name in (*TEXTS, "vector", "thumbnail") if name in self._names]
        first_row = 1
        try:
            for batch in self._file.iter_batches(batch_size=size, columns=wanted):
                vectors = self._vectors(batch.column("vector"), first_row, dimension)
                dimension = vectors.shape[1]
                texts = {name: self._texts(batch, name, first_row) for name in TEXTS}
                thumbnails = batch.column("thumbnail").to_pylist() if "thumbnail" in wanted else [None] * len(batch)
                yield ItemBatch(first_row=first_row, vectors=vectors, texts=texts, thumbnails=thumbnails)
                first_row += len(batch)
        except (OSError, self._arrow.ArrowException) as error:
            raise InvalidInput(
                f"{self.path} can't be read from row {first_row:,} on: {_first_line(error)}; export or copy it again",
                field="file",
            ) from None

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def __enter__(self) -> "ItemFile":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _texts(self, batch: Any, name: str, first_row: int) -> list[str]:
        if name not in self._names:
            return [""] * len(batch)
        values = batch.column(name).to_pylist()
        for row, value in enumerate(values, first_row):
            if value is not None and not isinstance(value, str):
                raise InvalidInput(
                    f"{self.path}, row {row:,}: {name} is {value!r}; wanted text, and payload as JSON text",
                    field="file",
                )
        return [value or "" for value in values]

    def _vectors(self, column: Any, first_row: int, dimension: int | None) -> FloatArray:
        """Return (B, D) of a column of lists, all of one length."""
        arrow = self._arrow
        kinds = (arrow.types.is_fixed_size_list, arrow.types.is_list, arrow.types.is_large_list)
        if not any(kind(column.type) for kind in kinds) or not arrow.types.is_floating(column.type.value_type):
            raise InvalidInput(
                f"{self.path}: column vector is of type {column.type}; wanted lists of float32", field="file"
            )
        lengths = arrow.compute.list_value_length(column).to_numpy(zero_copy_only=False)  # NaN where there is none
        dimension = dimension or int(np.nan_to_num(lengths[0])) if len(lengths) else dimension or 1
        wrong = np.flatnonzero(lengths != dimension)
        if len(wrong) or not dimension:
            row = int(wrong[0]) if len(wrong) else 0
            raise InvalidInput(
                f"{self.path}, row {first_row + row:,}: the vector has {np.nan_to_num(lengths[row]):.0f} numbers, "
                f"wanted D={dimension or 'at least 1'}",
                field="file",
            )
        values = column.flatten().cast(arrow.float32(), safe=False)
        return np.asarray(values.to_numpy(zero_copy_only=False), np.float32).reshape(-1, dimension)  # null: NaN


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0] or type(error).__name__
