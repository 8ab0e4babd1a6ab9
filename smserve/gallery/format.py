"""The tables of gallery.sqlite, by format version, and how an older one becomes the newest.

Every version that was ever written stays readable, without being changed by the reader; a writer upgrades it when it
opens it, in one transaction. tests/gallery/golden holds a gallery of each.
"""

import re
import zlib
from pathlib import Path
from typing import Final

from smserve.errors import GalleryDamaged
from smserve.gallery.condition import Query
from smserve.gallery.contents import META as CONTENTS
from smserve.gallery.contents import Contents, measure_contents, write_contents
from smserve.gallery.database import Execute

__all__ = [
    "FORMAT_VERSION",
    "SCHEMA",
    "Meta",
    "check_meta",
    "check_schema",
    "declared_schema",
    "first_meta",
    "meta_checksum",
    "upgrade",
]

FORMAT_VERSION: Final = 2

Meta = dict[str, str]
"""Names and values of table meta: format_version, model_fingerprint, dimension, metric and their checksum;
last_sequence; removed_after and contents, since format 2."""

_VERSION_1: Final = (
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE items (
        key INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used again, so that a generation's keys stay unambiguous
        item_id TEXT NOT NULL UNIQUE,
        label TEXT NOT NULL,
        payload TEXT NOT NULL,
        source_uri TEXT NOT NULL,
        source_sha256 TEXT NOT NULL,
        vector BLOB NOT NULL,
        sequence INTEGER NOT NULL,
        checksum INTEGER NOT NULL
    )""",
    "CREATE INDEX items_by_sequence ON items (sequence)",
    "CREATE TABLE thumbnails (key INTEGER PRIMARY KEY, image BLOB NOT NULL, checksum INTEGER NOT NULL)",
)
_VERSION_2: Final = (
    "CREATE INDEX items_by_label ON items (label)",
    # Which keys are gone, and since when: all of those that went after meta's removed_after.
    """CREATE TABLE removed (
        sequence INTEGER NOT NULL,
        key INTEGER NOT NULL,
        checksum INTEGER NOT NULL,
        PRIMARY KEY (sequence, key)
    ) WITHOUT ROWID""",
    # What a write with a request id did, so that the same request is not done twice.
    """CREATE TABLE requests (
        request_id TEXT PRIMARY KEY,
        digest TEXT NOT NULL,
        sequence INTEGER NOT NULL,
        item_count INTEGER NOT NULL,
        checksum INTEGER NOT NULL
    ) WITHOUT ROWID""",
    "CREATE INDEX requests_by_sequence ON requests (sequence)",
    "INSERT INTO meta SELECT 'removed_after', value FROM meta WHERE name = 'last_sequence'",
)
_STEPS: Final = {1: _VERSION_1, 2: _VERSION_2}  # version -> statements that make it from the one before

SCHEMA: Final = (*_VERSION_1, *_VERSION_2[:-1])
"""Statements that make an empty gallery; `first_meta` are the rows of its table meta."""

_CONSTANT: Final = ("format_version", "model_fingerprint", "dimension", "metric")


def first_meta(*, model_fingerprint: str, dimension: int, metric: str) -> Meta:
    """Return what an empty gallery says about itself."""
    meta = {
        "format_version": str(FORMAT_VERSION),
        "model_fingerprint": model_fingerprint,
        "dimension": str(dimension),
        "metric": metric,
    }
    changing = {"last_sequence": "0", "removed_after": "0", CONTENTS: str(Contents())}
    return {**meta, "checksum": meta_checksum(meta), **changing}


def check_meta(gallery: Path, meta: Meta) -> None:
    """Check that this smserve can read the gallery.

    Raises:
        GalleryDamaged: It is of a newer version, or what it says about itself fails its checksum.
    """
    version = meta.get("format_version", "")
    if version not in {str(known) for known in _STEPS}:
        raise GalleryDamaged(
            f"gallery {gallery} has format version {version!r}, this smserve reads 1 to {FORMAT_VERSION}; "
            f"use the smserve that wrote it, or build it again"
        )
    if meta.get("checksum") != meta_checksum(meta):
        raise GalleryDamaged(
            f"what the database of gallery {gallery} says about itself (table meta) fails its checksum; restore the "
            f"gallery from a copy, or build it again"
        )


def check_schema(gallery: Path, meta: Meta, query: Query) -> None:
    """Check that tables and indexes are declared as the gallery's format version has them; filters' indexes aside.

    SQLite believes what is written there: with one letter changed it would compare texts as numbers, for one.

    Raises:
        GalleryDamaged: They are not.
    """
    version = int(meta["format_version"])
    steps = [statement for step in range(1, version + 1) for statement in _STEPS[step]]
    wanted = {_declared(statement) for statement in steps if statement.startswith("CREATE")}
    by_us = "name NOT LIKE 'sqlite_%' AND name NOT LIKE 'filter:%'"
    rows = query(f"SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE {by_us}", ())  # noqa: S608 - a constant
    found = {(str(kind), str(name), str(table), _spaced(str(text))) for kind, name, table, text in rows}
    if found != wanted:
        different = sorted({each[1] for each in found ^ wanted})
        raise GalleryDamaged(
            f"the database of gallery {gallery} declares {', '.join(different)} in another way than format version "
            f"{version} does; restore the gallery from a copy"
        )


def declared_schema() -> list[tuple[str, str, str, str | None]]:
    """Return type, name, table and text of all tables and indexes of the newest version, SQLite's own included."""
    by_sqlite: list[tuple[str, str, str, str | None]] = [
        ("index", "sqlite_autoindex_items_1", "items", None),
        ("table", "sqlite_sequence", "sqlite_sequence", "CREATE TABLE sqlite_sequence(name,seq)"),
    ]
    return by_sqlite + [(*_declared(statement)[:3], statement) for statement in SCHEMA]


def upgrade(execute: Execute, meta: Meta) -> None:
    """Bring a gallery of an older version to the newest, inside the caller's transaction."""
    for version in range(int(meta["format_version"]) + 1, FORMAT_VERSION + 1):
        for statement in _STEPS[version]:
            execute(statement)
    newest = {**meta, "format_version": str(FORMAT_VERSION)}
    for name, value in (("format_version", newest["format_version"]), ("checksum", meta_checksum(newest))):
        execute("UPDATE meta SET value = ? WHERE name = ?", (value, name))
    write_contents(execute, measure_contents(execute))


def meta_checksum(meta: Meta) -> str:
    """Return the CRC-32 of what changes only with the format version."""
    return str(zlib.crc32("\n".join(f"{name}={meta.get(name)}" for name in _CONSTANT).encode()))


def _declared(statement: str) -> tuple[str, str, str, str]:
    """Return what table sqlite_schema says of a statement: type, name, table, text."""
    found = re.match(r"CREATE (TABLE|INDEX) (\w+)(?: ON (\w+))?", statement)
    kind, name, table = found.groups() if found else ("", "", "")
    return kind.lower(), name, table or name, _spaced(statement)


def _spaced(statement: str) -> str:
    """Return it without its line breaks, which the first version had elsewhere."""
    return " ".join(statement.split()).replace(" )", ")")
