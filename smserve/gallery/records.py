"""The truth of a gallery: its items, in one SQLite file."""

import json
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

import numpy as np

from smserve.errors import GalleryDamaged, GalleryNotFound
from smserve.gallery.bitmap import Positions
from smserve.gallery.condition import Condition
from smserve.gallery.contents import Contents, read_contents
from smserve.gallery.database import Database, create_database
from smserve.gallery.filtering.verification import RowVerification
from smserve.gallery.format import FORMAT_VERSION, SCHEMA, Meta, check_meta, check_schema, first_meta, upgrade
from smserve.gallery.points import At, nowhere
from smserve.gallery.removed import forget_removed, removed_after
from smserve.gallery.row import COLUMNS, Row, source_of
from smserve.gallery.values import Source

__all__ = ["FILE_NAME", "Records"]

FILE_NAME = "gallery.sqlite"

_CHUNK: Final = 500  # values of one IN (...)


class Records:
    """The database of one gallery; safe to call from many threads."""

    def __init__(
        self, gallery: Path, *, writable: bool, at: At = nowhere, verification: RowVerification | None = None
    ) -> None:
        """Open it; a writer brings an older format version to the newest.

        Args:
            gallery: Its folder.
            writable: Whether to write.
            at: Told of points.
            verification: Of others who have the same gallery open, so that rows are verified once for all.

        Raises:
            GalleryNotFound: There is none.
            GalleryDamaged: It is no database of ours, or of a newer format version.
        """
        self.path: Final = gallery / FILE_NAME
        if not self.path.exists():
            raise GalleryNotFound(
                f"{gallery} is no gallery (it has no {FILE_NAME}); check the path, or make one with "
                f"`smserve index build`"
            )
        self.database: Final = Database(self.path, writable=writable)
        self.verification: Final = verification or RowVerification()
        try:
            meta = self.meta()
            check_meta(gallery, meta)
            check_schema(gallery, meta, self.database.rows)
            if writable and meta["format_version"] != str(FORMAT_VERSION):
                at("upgrade.begun")
                with self.database.transaction() as execute:
                    upgrade(execute, meta)
                    at("upgrade.stored")
                at("upgrade.committed")
        except BaseException:
            self.close()
            raise

    @classmethod
    def create(
        cls, gallery: Path, *, model_fingerprint: str, dimension: int, metric: str, at: At = nowhere
    ) -> "Records":
        """Make an empty database, whole or not at all, and open it for writing."""
        partial = gallery / f".{FILE_NAME}.partial"
        partial.unlink(missing_ok=True)
        meta = first_meta(model_fingerprint=model_fingerprint, dimension=dimension, metric=metric)
        create_database(partial, SCHEMA, "INSERT INTO meta VALUES (?, ?)", meta.items())
        at("create.written")
        partial.replace(gallery / FILE_NAME)
        at("create.named")
        return cls(gallery, writable=True)

    def meta(self) -> Meta:
        """Return what the gallery says about itself."""
        return dict(self.database.rows("SELECT name, value FROM meta"))

    def last_sequence(self) -> int:
        """Return the number of the last write."""
        for (value,) in self.database.rows("SELECT value FROM meta WHERE name = 'last_sequence'"):
            if str(value).isdecimal():
                return int(value)
        raise GalleryDamaged(f"{self.path} has no number of its last write; restore the gallery, or build it again")

    def last_key(self) -> int:
        """Return the largest key ever given; 0 for none."""
        for (value,) in self.database.rows("SELECT seq FROM sqlite_sequence WHERE name = 'items'"):
            if isinstance(value, int):
                return value
            raise GalleryDamaged(f"{self.path} does not know its last key; restore the gallery, or build it again")
        return 0

    def contents(self) -> Contents | None:
        """Return what the last write noted that there is; None where it noted nothing.

        Raises:
            GalleryDamaged: The note fails its checksum, or is of another write.
        """
        return read_contents(self.database.rows, self.path)

    def ensure_items(self) -> None:
        """Look once, a process, whether all items are where they are looked for: needed to say that one is not there.

        Raises:
            GalleryDamaged: They are not.
        """
        self.verification.structure.ensure_items(self.database)

    def count(self) -> int:
        """Return the number of items, by another index than `keys` and `rows` use: so that each checks the other."""
        ((count,),) = self.database.rows("SELECT count(*) FROM items INDEXED BY sqlite_autoindex_items_1")
        return int(count)

    def count_by_label(self) -> Counter[str]:
        """Return the number of items of each label; the table and its index check each other.

        Raises:
            GalleryDamaged: They do not agree.
        """
        query = "SELECT label, count(*) FROM items {} GROUP BY label"
        counts: Counter[str] = Counter(dict(self.database.rows(query.format("NOT INDEXED"))))
        by_index = "INDEXED BY items_by_label"
        if int(self.meta()["format_version"]) > 1 and counts != dict(self.database.rows(query.format(by_index))):
            raise GalleryDamaged(
                f"{self.path} counts its labels in two ways that differ; restore the gallery from a copy, or build it "
                f"again"
            )
        return counts

    def labels_of(self, keys: Positions) -> Counter[str]:
        """Return the number of each label among rows that `matching` gave, and has verified."""
        query = "SELECT label, count(*) FROM items WHERE key IN (SELECT value FROM json_each(?)) GROUP BY label"
        return Counter(dict(self.database.rows(query, (json.dumps(keys.tolist()),))))

    def snapshot(self) -> AbstractContextManager[None]:
        """Let what this thread reads inside the block be of one state."""
        return self.database.snapshot()

    def sources(self) -> dict[str, Source]:
        """Return what each item was made from, by item_id; verified."""
        self.ensure_items()
        return {row.item_id: source_of(row) for row in self._rows("ORDER BY key")}

    def by_id(self, item_id: str) -> Row | None:
        """Return an item's row, verified."""
        row = next(self._rows("WHERE item_id = ?", (item_id,)), None)
        if row is None:
            self.ensure_items()
        return row

    def by_key(self, keys: Sequence[int]) -> dict[int, Row]:
        """Return the rows of those keys that are there, verified."""
        found: dict[int, Row] = {}
        for start in range(0, len(keys), _CHUNK):
            chunk = keys[start : start + _CHUNK]
            marks = ", ".join("?" * len(chunk))
            query = f"SELECT {COLUMNS} FROM items WHERE key IN ({marks})"  # noqa: S608 - values are bound
            for values in self.database.fetch(query, chunk):
                row = Row._make(values)
                row.verify()
                found[row.key] = row
        return found

    def rows(self, *, after_sequence: int = 0) -> Iterator[Row]:
        """Yield all rows written after a sequence, verified, by key."""
        yield from self._rows("WHERE sequence > ? ORDER BY key", (after_sequence,))

    def rows_after_key(self, key: int, count: int) -> list[Row]:
        """Return the next rows by key, verified."""
        self.ensure_items()
        return list(self._rows("WHERE key > ? ORDER BY key LIMIT ?", (key, count)))

    def keys(self, *, up_to_sequence: int) -> Positions:
        """Return the keys of the rows written up to a sequence."""
        query = "SELECT key FROM items WHERE sequence <= ?"
        return np.fromiter((key for (key,) in self.database.rows(query, (up_to_sequence,))), np.int64)

    def matching(self, condition: Condition, *, after_key: int = 0, most: int | None = None) -> Positions:
        """Return the keys larger than one of the rows that match a condition, ascending; the first `most` of them.

        Raises:
            GalleryDamaged: A row fails its checksum: one that matches could be taken for one that doesn't.
        """
        self.verification.ensure(self.database.rows)
        return condition.keys(self.database.rows, after_key=after_key, most=most)

    def verify_ahead(self, count: int) -> bool:
        """Verify the next rows, and after the last one the indexes, before a filter asks for it; False when done.

        Raises:
            GalleryDamaged: A row fails its checksum, or an index doesn't fit the rows.
        """
        if self.verification.advance(self.database.rows, count):
            return True
        self.verification.ensure(self.database.rows)
        self.ensure_items()
        return False

    def removed(self, *, after_sequence: int) -> Positions | None:
        """Return the keys of the rows that went after a write; None where that is not known."""
        return removed_after(self.database.rows, after_sequence)

    def forget_removed(self, sequence: int) -> None:
        """Forget which rows went up to a write."""
        with self.database.transaction() as execute:
            forget_removed(execute, sequence)

    def thumbnail(self, key: int) -> bytes | None:
        """Return an item's stored thumbnail, verified."""
        self.verification.structure.ensure_thumbnails(self.database)
        for image, checksum in self.database.rows("SELECT image, checksum FROM thumbnails WHERE key = ?", (key,)):
            if not isinstance(image, bytes) or zlib.crc32(image) != checksum:
                raise GalleryDamaged(
                    f"the thumbnail of item {self._item_id(key)!r} (key {key}) fails its checksum; restore the gallery "
                    f"from a copy, or build it again"
                )
            return image
        return None

    def state(self) -> int:
        """Return a number that has grown since the last call if another process has written meanwhile."""
        return self.database.state()

    def close(self) -> None:
        """Close all connections; calling it twice is harmless."""
        self.database.close()

    def _item_id(self, key: int) -> str:
        return next(
            (str(found) for (found,) in self.database.rows("SELECT item_id FROM items WHERE key = ?", (key,))), ""
        )

    def _rows(self, clause: str, values: Iterable[object] = ()) -> Iterator[Row]:
        # The clauses are written in this file, values are bound.
        for found in self.database.rows(f"SELECT {COLUMNS} FROM items {clause}", values):  # noqa: S608
            row = Row._make(found)
            row.verify()
            yield row
