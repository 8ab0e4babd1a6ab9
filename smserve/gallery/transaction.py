"""One write to the records: old rows out, new ones in, the request remembered; all or nothing."""

import zlib
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from smserve.errors import GalleryDamaged
from smserve.gallery.condition import Condition
from smserve.gallery.contents import Contents, measure_contents, read_contents, write_contents
from smserve.gallery.database import Database, Execute
from smserve.gallery.points import At
from smserve.gallery.removed import note_removed
from smserve.gallery.requests import Request, earlier, remember
from smserve.gallery.row import COLUMNS, row_of
from smserve.gallery.values import NewItem, Written
from smserve.gallery.view import Change

__all__ = ["write"]

_INSERT: Final = f"INSERT INTO items ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - names of ours


def write(
    database: Database,
    items: Sequence[NewItem],
    deleted: Iterable[str] | Condition,
    *,
    dimension: int,
    least_key: int,
    request: Request | None,
    at: At,
) -> tuple[Written, Change | None]:
    """Store and delete items in one transaction; what it returns is durable.

    Args:
        database: Of the gallery.
        items: To be stored; of two with one id the last stays.
        deleted: Ids, or a condition; ids that are not there are no error.
        dimension: D.
        least_key: The largest key that was acknowledged before; new ones are larger.
        request: To be answered as before where it was done before.
        at: Told of points.

    Returns:
        What is to be acknowledged, and what it changed; None for a repeated request.

    Raises:
        RequestIdReused: The request's id came with other content.
        InvalidInput: An item can't be stored.
        GalleryDamaged: The database would give a key again.
        DiskFull: There is no room.
    """
    at("write.begun")
    with database.transaction() as execute:
        if request is not None and (before := earlier(execute, request)) is not None:
            return before, None
        sequence = _last_sequence(execute) + 1
        contents = read_contents(execute, database.path) or measure_contents(execute)
        last = {item.item_id: item for item in items}
        removed, without = _delete(execute, deleted)
        count = len(last) or len(removed)
        replaced, without_those = _delete(execute, last)
        removed += replaced
        at("write.removed")
        keys, added = _insert(execute, last.values(), sequence, least_key)
        write_contents(execute, contents + without + without_those + added)
        note_removed(execute, removed, sequence)
        execute("UPDATE meta SET value = ? WHERE name = 'last_sequence'", (str(sequence),))
        written = Written(sequence=sequence, item_count=count)
        if request is not None:
            remember(execute, request, written)
        at("write.stored")
    at("write.committed")
    vectors = np.array([item.vector for item in last.values()], np.float32).reshape(len(last), dimension)
    return written, Change(
        sequence=sequence, keys=np.array(keys, np.int64), vectors=vectors, removed=np.array(removed, np.int64)
    )


def _last_sequence(execute: Execute) -> int:
    for (value,) in execute("SELECT value FROM meta WHERE name = 'last_sequence'"):
        if str(value).isdecimal():
            return int(value)
    raise GalleryDamaged("the database has no number of its last write; restore the gallery, or build it again")


def _delete(execute: Execute, selected: Iterable[str] | Condition) -> tuple[list[int], Contents]:
    """Delete rows and their thumbnails; returns their keys, and what that changed."""
    gone: list[tuple[int, int]] = []
    if isinstance(selected, Iterable):
        for item_id in selected:
            gone += execute("DELETE FROM items WHERE item_id = ? RETURNING key, checksum", (item_id,))
    else:
        for key in selected.keys(execute, after_key=0).tolist():
            gone += execute("DELETE FROM items WHERE key = ? RETURNING key, checksum", (key,))
    keys, thumbnails = [key for key, _ in gone], []
    for key in keys:
        thumbnails += [key for _ in execute("DELETE FROM thumbnails WHERE key = ? RETURNING key", (key,))]
    changed = Contents(
        item_count=-len(keys),
        checksums=-sum(checksum for _, checksum in gone),
        thumbnail_count=-len(thumbnails),
        thumbnail_keys=-sum(thumbnails),
    )
    return keys, changed


def _insert(execute: Execute, items: Iterable[NewItem], sequence: int, least_key: int) -> tuple[list[int], Contents]:
    """Insert rows with keys that were never used; returns them, and what that changed."""
    # The key is part of the checksum, so it must be known first: AUTOINCREMENT's own counter says which is next.
    found = execute("SELECT seq FROM sqlite_sequence WHERE name = 'items'").fetchone()
    last = int(found[0]) if found else 0
    if last < least_key:
        raise GalleryDamaged(
            f"the database would give key {last + 1} again, keys up to {least_key} were given; restore the gallery "
            f"from a copy, or build it again"
        )
    keys, checksums, thumbnails = [], 0, []
    for item in items:
        last += 1
        row = row_of(item, last, sequence)
        execute(_INSERT, tuple(getattr(row, name) for name in COLUMNS.split(", ")))
        if item.thumbnail is not None:
            execute("INSERT INTO thumbnails VALUES (?, ?, ?)", (last, item.thumbnail, zlib.crc32(item.thumbnail)))
            thumbnails.append(last)
        keys.append(last)
        checksums += row.checksum
    changed = Contents(
        sequence=sequence,
        item_count=len(keys),
        checksums=checksums,
        thumbnail_count=len(thumbnails),
        thumbnail_keys=sum(thumbnails),
    )
    return keys, changed
