"""Declared fields: those that a gallery keeps an index of, so that a filter's first use needs no look at every row."""

import json
import zlib
from collections.abc import Iterable
from typing import Final

from smserve.errors import GalleryDamaged, InvalidFilter
from smserve.filters.field import canonical_field, payload_path
from smserve.gallery.condition import Query
from smserve.gallery.database import Execute
from smserve.gallery.filtering.compiler import json_path, quoted

__all__ = ["declare_fields", "declared_fields", "indexed_fields", "noted_fields"]

_META: Final = "filterable"
_PREFIX: Final = "filter:"
_MOST: Final = 32  # each costs every write something


def declare_fields(execute: Execute, fields: Iterable[str]) -> tuple[str, ...]:
    """Keep an index of these fields and of no others, inside the caller's transaction; returns their canonical names.

    Raises:
        InvalidFilter: One is no field, or there are too many.
    """
    wanted = tuple(sorted({canonical_field(field) for field in fields}))
    if len(wanted) > _MOST:
        raise InvalidFilter(f"{len(wanted)} filterable fields were declared, the limit is {_MOST}", field="filterable")
    for old in indexed_fields(execute) - set(wanted):
        execute(f'DROP INDEX "{_PREFIX}{old}"')
    for field in wanted:
        # Names of fields hold no double quotes; what stands in the index's text is quoted.
        path = payload_path(field)
        columns = field if path is None else "json_type(payload, {0}), json_extract(payload, {0})"
        where = columns.format(quoted(json_path(path))) if path else columns
        execute(f'CREATE INDEX IF NOT EXISTS "{_PREFIX}{field}" ON items ({where})')
    names = json.dumps(wanted, ensure_ascii=False)
    execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_META, f"{zlib.crc32(names.encode())} {names}"))
    return wanted


def noted_fields(query: Query) -> tuple[str, ...]:
    """Return the canonical names of the fields that were declared, whether or not their indexes are there.

    Raises:
        GalleryDamaged: What is stored of them fails its checksum.
    """
    fields: tuple[str, ...] = ()
    for (value,) in query("SELECT value FROM meta WHERE name = ?", (_META,)):
        checksum, _, names = str(value).partition(" ")
        if checksum != str(zlib.crc32(names.encode())):
            raise GalleryDamaged(
                "the gallery's list of filterable fields fails its checksum; restore the gallery from a copy"
            )
        fields = tuple(json.loads(names))
    return fields


def declared_fields(query: Query) -> tuple[str, ...]:
    """Return the canonical names of the fields that were declared.

    Raises:
        GalleryDamaged: What is stored of them fails its checksum, or an index of theirs is gone.
    """
    fields = noted_fields(query)
    if set(fields) != indexed_fields(query):
        raise GalleryDamaged(
            f"the gallery's filterable fields are {', '.join(fields) or 'none'}, it has indexes of "
            f"{', '.join(sorted(indexed_fields(query))) or 'none'}; declare them again"
        )
    return fields


def indexed_fields(query: Query) -> set[str]:
    """Return the canonical names of the fields that have an index."""
    rows = query("SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'items'")
    return {str(name).removeprefix(_PREFIX) for (name,) in rows if str(name).startswith(_PREFIX)}
