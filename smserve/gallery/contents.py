"""What a gallery holds, in a few numbers: kept with each write, compared with what is there.

Rows carry checksums of their own, but a row that is gone carries nothing. These numbers are stored in the transaction
of each write and, by then synced, in COMMITTED: rows, thumbnails or a write that were lost together with every trace
of them are missed here.
"""

import zlib
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Final

from smserve.errors import GalleryDamaged
from smserve.gallery.condition import Query
from smserve.gallery.database import Execute

__all__ = ["META", "Contents", "check_contents", "measure_contents", "read_contents", "write_contents"]

META: Final = "contents"
"""Name of the row of table meta; galleries that no smserve with contents wrote to lack it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """Sums over a gallery.

    Attributes:
        sequence: The last write that is counted.
        item_count: Rows of items.
        checksums: Sum of their checksums.
        thumbnail_count: Rows of thumbnails.
        thumbnail_keys: Sum of their keys.
    """

    sequence: int = 0
    item_count: int = 0
    checksums: int = 0
    thumbnail_count: int = 0
    thumbnail_keys: int = 0

    def __str__(self) -> str:
        """Return the text that is stored, which ends with its own CRC-32."""
        numbers = ",".join(map(str, astuple(self)))
        return f"{numbers},{zlib.crc32(numbers.encode())}"

    @classmethod
    def parse(cls, text: str) -> "Contents":
        """Return what `str` gave.

        Raises:
            ValueError: It is something else.
        """
        numbers, _, checksum = text.rpartition(",")
        if checksum != str(zlib.crc32(numbers.encode())):
            raise ValueError("its checksum is wrong")
        sequence, items, checksums, thumbnails, keys = map(int, numbers.split(","))
        return cls(
            sequence=sequence,
            item_count=items,
            checksums=checksums,
            thumbnail_count=thumbnails,
            thumbnail_keys=keys,
        )

    def __add__(self, other: "Contents") -> "Contents":
        """Return both, as of the other's write."""
        mine, others = astuple(self), astuple(other)
        items, checksums, thumbnails, keys = (a + b for a, b in zip(mine[1:], others[1:], strict=True))
        return Contents(
            sequence=other.sequence,
            item_count=items,
            checksums=checksums,
            thumbnail_count=thumbnails,
            thumbnail_keys=keys,
        )


def read_contents(query: Query, database: Path) -> Contents | None:
    """Return what the last write noted; None where no smserve that notes it has written yet.

    Raises:
        GalleryDamaged: The note fails its checksum, or is of another write.
    """
    noted = dict(query("SELECT name, value FROM meta WHERE name IN (?, 'last_sequence')", (META,)))
    if META not in noted:
        return None
    try:
        contents = Contents.parse(str(noted[META]))
    except ValueError as error:
        raise GalleryDamaged(
            f"{database} can't tell what it should hold ({error}); run `smserve index repair`, or restore the gallery "
            f"from a copy"
        ) from None
    if str(contents.sequence) != noted.get("last_sequence"):
        raise GalleryDamaged(
            f"{database} says that its last write was {noted.get('last_sequence')!r}, and that it was "
            f"{contents.sequence}; restore the gallery from a copy, or run `smserve index repair`"
        )
    return contents


def measure_contents(query: Query) -> Contents:
    """Return what the tables hold; one state, where the caller sees to that.

    A thumbnail counts where it can be found by its key.
    """
    ((sequence,),) = query("SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'last_sequence'", ())
    items, checksums = _items(query)
    thumbnails, keys = _thumbnails(query)
    return Contents(
        sequence=int(sequence),
        item_count=items,
        checksums=checksums,
        thumbnail_count=thumbnails,
        thumbnail_keys=keys,
    )


def check_contents(query: Query, database: Path, *, thumbnails: bool) -> None:
    """Compare what is there with what was noted: the thumbnails, or the items. One state, where the caller sees to it.

    Raises:
        GalleryDamaged: They differ.
    """
    noted = read_contents(query, database)
    if noted is None:
        return
    if thumbnails:
        count, keys = _thumbnails(query)
        found = replace(noted, thumbnail_count=count, thumbnail_keys=keys)
    else:
        count, checksums = _items(query)
        found = replace(noted, item_count=count, checksums=checksums)
    if found != noted:
        what = "thumbnails" if thumbnails else "items"
        raise GalleryDamaged(
            f"{database} does not hold the {what} that were written ({found} instead of {noted}); see `smserve index "
            f"verify`; restore the gallery from a copy, or run `smserve index repair`"
        )


def write_contents(execute: Execute, contents: Contents) -> None:
    """Note what a write left, inside its transaction."""
    execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (META, str(contents)))


def _items(query: Query) -> tuple[int, int]:
    ((count, checksums),) = query("SELECT count(*), coalesce(sum(checksum), 0) FROM items NOT INDEXED", ())
    return int(count), int(checksums)


def _thumbnails(query: Query) -> tuple[int, int]:
    by_key = "EXISTS (SELECT 1 FROM thumbnails AS b WHERE b.key = a.key)"  # found the way in which it is looked for
    ((count, keys),) = query(f"SELECT count(*), coalesce(sum(a.key), 0) FROM thumbnails AS a WHERE {by_key}", ())  # noqa: S608
    return int(count), int(keys)
