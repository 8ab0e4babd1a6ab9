"""Read what can be read of a damaged database, and write it into a new one."""

import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from smserve.errors import GalleryDamaged, InvalidFilter
from smserve.gallery.contents import Contents, measure_contents, write_contents
from smserve.gallery.database import Database, Execute, create_database
from smserve.gallery.filtering.fields import declare_fields, noted_fields
from smserve.gallery.format import SCHEMA, first_meta
from smserve.gallery.generation import Generation
from smserve.gallery.requests import check_requests
from smserve.gallery.row import COLUMNS, Row

__all__ = ["Belongings", "Salvaged", "salvage"]

_INSERT: Final = f"INSERT OR IGNORE INTO items ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - ours
_ALL: Final = f"SELECT {COLUMNS} FROM items NOT INDEXED ORDER BY key"  # noqa: S608 - ours
_ONE: Final = f"SELECT {COLUMNS} FROM items NOT INDEXED WHERE key = ?"  # noqa: S608 - ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Belongings:
    """What a gallery is; the same in every manifest and in the database."""

    model_fingerprint: str
    dimension: int
    metric: str


@dataclass(slots=True, kw_only=True)
class Salvaged:
    """What was read.

    Attributes:
        contents: Of the new database.
        restored: Items whose vector came from a generation.
        damaged: Items that fail their checksum.
        unreadable: Parts that could not be read; where the sums of what was written are there, nothing was in them.
        forgotten: What is known no more beside items and thumbnails.
    """

    contents: Contents = field(default_factory=Contents)
    restored: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)


def salvage(
    old: Path,
    new: Path,
    *,
    belongings: Belongings,
    generations: Sequence[Generation],
    sequence: int,
    last_key: int,
) -> Salvaged:
    """Write every sound row and thumbnail of one database into another one, which is made.

    Args:
        old: May be damaged in any way; is not changed.
        new: A path where nothing is.
        belongings: Of the gallery.
        generations: Sound ones; their vectors stand in for damaged ones, where the row's checksum says that they fit.
        sequence: Number of this write, larger than all before.
        last_key: The largest key that was ever given, as far as that is known.
    """
    salvaged = Salvaged()
    meta = first_meta(
        model_fingerprint=belongings.model_fingerprint, dimension=belongings.dimension, metric=belongings.metric
    )
    meta |= {"last_sequence": str(sequence), "removed_after": str(sequence)}
    create_database(new, SCHEMA, "INSERT INTO meta VALUES (?, ?)", meta.items())
    source, target = Database(old, writable=False), Database(new, writable=True)
    try:
        with target.transaction() as execute:
            _copy_items(source, execute, generations, salvaged)
            _copy_thumbnails(source, execute, salvaged)
            _copy_requests(source, execute, salvaged)
            _declare(source, execute, salvaged)
            largest = max(last_key, *(key for (key,) in execute("SELECT coalesce(max(key), 0) FROM items")))
            execute("DELETE FROM sqlite_sequence WHERE name = 'items'")
            execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('items', ?)", (largest,))
            salvaged.contents = measure_contents(execute)
            write_contents(execute, salvaged.contents)
    finally:
        source.close()
        target.close()
    return salvaged


def _copy_items(source: Database, execute: Execute, generations: Sequence[Generation], salvaged: Salvaged) -> None:
    damaged: dict[Any, str] = {}
    for values in _items(source, generations, salvaged):
        row = Row._make(values)
        sound = _sound(row, generations)
        if sound is None:
            damaged[row.key] = f"{row.item_id!r} (key {row.key})"
            continue
        if sound is not row:
            salvaged.restored.append(row.item_id)
        execute(_INSERT, tuple(getattr(sound, name) for name in COLUMNS.split(", ")))
    there = {key for (key,) in execute("SELECT key FROM items")} if damaged else set()
    salvaged.damaged += [name for key, name in damaged.items() if key not in there]


def _items(source: Database, generations: Sequence[Generation], salvaged: Salvaged) -> Iterator[Sequence[Any]]:
    """Yield rows, newest first, some of them more than once where the table can't be read from end to end."""
    try:
        yield from source.rows(f"{_ALL} DESC")
        return
    except GalleryDamaged as error:
        salvaged.unreadable.append(error.message)
    with suppress(GalleryDamaged):
        yield from source.rows(_ALL)
    for key in sorted(_known_keys(source, generations), reverse=True):
        try:
            yield from source.rows(_ONE, (key,))
        except GalleryDamaged:
            continue


def _known_keys(source: Database, generations: Sequence[Generation]) -> set[int]:
    """Return the keys that indexes and generations name."""
    keys: set[int] = set()
    for generation in generations:
        keys.update(generation.keys.tolist())
    for index in ("sqlite_autoindex_items_1", "items_by_sequence", "items_by_label"):
        try:
            for (key,) in source.rows(f"SELECT key FROM items INDEXED BY {index} WHERE key > 0"):  # noqa: S608 - ours
                keys.add(int(key))
        except GalleryDamaged:
            continue
    return keys


def _sound(row: Row, generations: Sequence[Generation]) -> Row | None:
    """Return the row, or the row with a generation's vector; None where neither fits its checksum."""
    candidates = [row]
    for generation in generations:
        if isinstance(row.key, int):
            for position in generation.positions_of(np.array([row.key], np.int64)):
                vector = generation.vectors[position].astype("<f4").tobytes()
                candidates.append(row._replace(vector=vector))
    for candidate in candidates:
        try:
            candidate.verify()
        except GalleryDamaged:
            continue
        return candidate
    return None


def _copy_thumbnails(source: Database, execute: Execute, salvaged: Salvaged) -> None:
    wanted = {key for (key,) in execute("SELECT key FROM items")}
    try:
        for key, image, checksum in source.rows("SELECT key, image, checksum FROM thumbnails"):
            if key not in wanted:
                continue
            if isinstance(image, bytes) and zlib.crc32(image) == checksum:
                execute("INSERT OR IGNORE INTO thumbnails VALUES (?, ?, ?)", (key, image, checksum))
            else:
                salvaged.unreadable.append(f"the thumbnail of key {key} fails its checksum")
    except GalleryDamaged as error:
        salvaged.unreadable.append(error.message)


def _copy_requests(source: Database, execute: Execute, salvaged: Salvaged) -> None:
    query = "SELECT request_id, digest, sequence, item_count, checksum FROM requests"
    try:
        if not list(source.rows("SELECT 1 FROM sqlite_schema WHERE name = 'requests'")):
            return  # format 1
        for values in source.rows(query):
            try:
                check_requests(lambda *_, values=values: [values])
            except GalleryDamaged as error:
                salvaged.forgotten.append(error.message)
                continue
            execute("INSERT OR IGNORE INTO requests VALUES (?, ?, ?, ?, ?)", values)
    except GalleryDamaged as error:
        salvaged.forgotten.append(f"remembered requests: {error.message}")


def _declare(source: Database, execute: Execute, salvaged: Salvaged) -> None:
    try:
        declare_fields(execute, noted_fields(source.rows))
    except (GalleryDamaged, InvalidFilter) as error:
        salvaged.forgotten.append(f"filterable fields: {error.message}")
