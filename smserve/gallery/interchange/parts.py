"""A file of items in the making: in parts, which outlive whoever makes them, and at last whole under its name.

    .items.parquet.parts/   beside items.parquet, until that is there
      000000.parquet        4,096 rows, whole or not at all
      LOCK                  held by who makes them

Who comes after a crash hands in the same rows again. A part that holds them already is left as it is; one that holds
others is written anew.
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from smserve.errors import AlreadyExists, GalleryLocked, SmserveError
from smserve.gallery.durable import sync_directory, sync_file, write_failed
from smserve.gallery.interchange.arrow import load_arrow, load_parquet
from smserve.gallery.interchange.header import Header
from smserve.gallery.interchange.parquet import TEXTS
from smserve.gallery.lock import take_lock
from smserve.gallery.row import Row

__all__ = ["PART_ROWS", "ItemFileParts"]

PART_ROWS: Final = 4096  # of a part and of a row group: all that is in memory at a time


class ItemFileParts:
    """Makes one file; from its first part to its closing nobody else can."""

    def __init__(self, file: Path, *, dimension: int, thumbnails: bool) -> None:
        """Begin, or go on.

        Args:
            file: To be made; its name must be free.
            dimension: D.
            thumbnails: Whether it has that column.

        Raises:
            AlreadyExists: The file is there.
            SmserveError: pyarrow is missing.
        """
        self._arrow: Final = load_arrow()
        self._parquet: Final = load_parquet()
        self._file: Final = file
        self._folder: Final = file.with_name(f".{file.name}.parts")
        self._dimension: Final = dimension
        fields = [(name, self._arrow.string()) for name in TEXTS]
        fields.append(("vector", self._arrow.list_(self._arrow.float32(), dimension)))
        if thumbnails:
            fields.append(("thumbnail", self._arrow.binary()))
        self._schema: Final = self._arrow.schema(fields)
        self._lock: int | None = None
        self._count = 0  # of parts
        self._check_free()

    def add(self, rows: Sequence[Row], thumbnails: Sequence[bytes | None]) -> int:
        """Take in the next rows: `PART_ROWS`, fewer only at the end; thumbnails count where there is that column.

        Returns:
            How many of them were written now: all or none.

        Raises:
            GalleryLocked: Another process makes the file.
            DiskFull: There is no room; the parts stay.
            SmserveError: It can't be written.
        """
        table, part = self._table(rows, thumbnails), self._part(self._count)
        try:
            if self._lock is None:
                self._begin()
            self._count += 1
            if self._holds(part, table):
                return 0
            partial = part.with_suffix(".partial")
            with self._writer(partial, self._schema) as writer:
                writer.write_table(table, row_group_size=len(rows))
            sync_file(partial)
            partial.replace(part)
        except OSError as error:
            raise write_failed(str(self._file), error) from None
        return len(rows)

    def finish(self, header: Header) -> None:
        """Join what was handed in, and give it the file's name.

        Raises:
            AlreadyExists: Somebody else made such a file meanwhile.
            DiskFull: There is no room; the parts stay.
            SmserveError: It can't be written, or a part can't be read any more.
        """
        try:
            if self._lock is None:  # there are no rows
                self._begin()
            joined = self._folder / "joined.partial"
            with self._writer(joined, self._schema.with_metadata(header.to_metadata())) as writer:
                for number in range(self._count):
                    table = self._read(self._part(number))
                    writer.write_table(table.replace_schema_metadata(header.to_metadata()), row_group_size=PART_ROWS)
            sync_file(joined)
            self._check_free()
            joined.replace(self._file)
            sync_directory(self._file.parent)
            shutil.rmtree(self._folder)
        except OSError as error:
            raise write_failed(str(self._file), error) from None

    def close(self) -> None:
        """Let others go on; calling it twice is harmless."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _begin(self) -> None:
        self._folder.mkdir(exist_ok=True)
        try:
            self._lock = take_lock(self._folder)
        except GalleryLocked as error:
            raise GalleryLocked(f"{self._file} is being made already: {error.message}") from None
        self._check_free()

    def _check_free(self) -> None:
        if self._file.exists():
            raise AlreadyExists(f"{self._file} is there already; remove it, or choose another name")

    def _part(self, number: int) -> Path:
        return self._folder / f"{number:06d}.parquet"

    def _writer(self, path: Path, schema: Any) -> Any:
        return self._parquet.ParquetWriter(
            path, schema, compression="zstd", use_dictionary=["label", "payload"], write_page_checksum=True
        )

    def _table(self, rows: Sequence[Row], thumbnails: Sequence[bytes | None]) -> Any:
        arrow = self._arrow
        columns = [arrow.array([getattr(row, name) for row in rows], arrow.string()) for name in TEXTS]
        flat = np.frombuffer(b"".join([row.vector for row in rows]), "<f4")
        columns.append(arrow.FixedSizeListArray.from_arrays(arrow.array(flat), self._dimension))
        if "thumbnail" in self._schema.names:
            columns.append(arrow.array(thumbnails, arrow.binary()))
        return arrow.Table.from_arrays(columns, schema=self._schema)

    def _holds(self, part: Path, table: Any) -> bool:
        try:
            return bool(part.exists() and self._read(part).equals(table))
        except SmserveError:
            return False  # damaged: it is written anew

    def _read(self, part: Path) -> Any:
        try:
            with self._parquet.ParquetFile(part, page_checksum_verification=True) as file:
                return file.read()
        except (OSError, self._arrow.ArrowException) as error:
            said = str(error).strip().partition("\n")[0]
            raise SmserveError(f"{part} can't be read any more ({said}); run the same again") from None
