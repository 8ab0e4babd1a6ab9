"""Look at every row of a gallery's database, and at what its indexes and notes say."""

import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import numpy as np

from smserve.errors import GalleryDamaged
from smserve.gallery.contents import measure_contents
from smserve.gallery.filtering.fields import declared_fields
from smserve.gallery.findings import Effect
from smserve.gallery.generation import Generation
from smserve.gallery.records import FILE_NAME, Records
from smserve.gallery.removed import removed_after
from smserve.gallery.requests import check_requests
from smserve.gallery.row import COLUMNS, Row
from smserve.gallery.structure import integrity_problems

__all__ = ["Found", "verify_records"]

Found = Callable[[str, str, Effect], None]
"""Notes a place, a problem and its effect."""

_ROWS: Final = 4096  # compared at once with a generation


def verify_records(records: Records, generations: Sequence[Generation], found: Found) -> int:
    """Verify the database inside the caller's snapshot; returns the number of sound rows.

    Args:
        records: Open.
        generations: Sound ones, whose vectors must be those of the rows.
        found: Told of what is wrong.
    """
    query = records.database.rows

    @contextmanager
    def finding(effect: Effect) -> Iterator[None]:
        try:
            yield
        except GalleryDamaged as error:
            found(FILE_NAME, error.message, effect)

    with finding(Effect.IN_PART):
        for problem in integrity_problems(records.database):
            found(FILE_NAME, problem, Effect.IN_PART)
    sound = 0
    with finding(Effect.IN_PART):
        for rows in _sound_rows(records, found):
            sound += len(rows)
            for generation in generations:
                _compare(rows, generation, found)
    with finding(Effect.IN_PART):
        _thumbnails(records, found)
    with finding(Effect.REFUSED):
        contents = records.contents()
        if contents is not None and contents != (measured := measure_contents(query)):
            problem = (
                f"it holds {measured}, and {contents} was written (write, items, their sum, thumbnails, their sum)"
            )
            found(FILE_NAME, problem, Effect.IN_PART)
        records.last_key()
    meta = records.meta()
    with finding(Effect.REFUSED):
        if (known := meta.get("removed_after", "")).isdecimal():
            removed_after(query, int(known))
        elif meta["format_version"] != "1":
            found(FILE_NAME, "since when it notes removed rows is not known: all keys are compared", Effect.NONE)
    with finding(Effect.IN_PART):
        if meta["format_version"] != "1":
            check_requests(query)
    with finding(Effect.IN_PART):
        declared_fields(query)
    return sound


def _sound_rows(records: Records, found: Found) -> Iterator[list[Row]]:
    rows: list[Row] = []
    for values in records.database.rows(f"SELECT {COLUMNS} FROM items NOT INDEXED ORDER BY key"):  # noqa: S608
        row = Row._make(values)
        try:
            row.verify()
        except GalleryDamaged as error:
            found(f"{FILE_NAME}, item {row.item_id!r}", error.message, Effect.IN_PART)
            continue
        rows.append(row)
        if len(rows) == _ROWS:
            yield rows
            rows = []
    yield rows


def _compare(rows: Sequence[Row], generation: Generation, found: Found) -> None:
    """Check that a generation has the rows' own vectors, and all that were written when it was made."""
    manifest = generation.manifest
    old = [row for row in rows if row.sequence <= manifest.last_sequence]
    if not old:
        return
    keys = np.array([row.key for row in old], np.int64)
    stored = np.stack([row.embedding() for row in old])
    positions = np.searchsorted(generation.keys, keys).clip(max=max(len(generation.keys) - 1, 0))
    there = generation.keys[positions] == keys if len(generation.keys) else np.zeros(len(keys), np.bool_)
    same = there.copy()
    same[there] = (generation.vectors[positions[there]] == stored[there]).all(axis=1)
    for place in np.flatnonzero(~same)[:1]:
        problem = f"it has no vector, or another one, for {(~same).sum():,} rows; item {old[place].item_id!r}, for one"
        found(f"generations/{manifest.number:06d}", problem, Effect.REFUSED)


def _thumbnails(records: Records, found: Found) -> None:
    for key, image, checksum in records.database.rows("SELECT key, image, checksum FROM thumbnails"):
        if not isinstance(image, bytes) or zlib.crc32(image) != checksum:
            found(f"{FILE_NAME}, thumbnail {key}", "it fails its checksum", Effect.IN_PART)
    for (key,) in records.database.rows("SELECT key FROM thumbnails WHERE key NOT IN (SELECT key FROM items)"):
        found(f"{FILE_NAME}, thumbnail {key}", "it belongs to no item", Effect.NONE)
