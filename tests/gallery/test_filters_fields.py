"""Declared fields: their list, their indexes, and damage to either; rows are verified before a filter reads them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from smserve.errors import GalleryDamaged, InvalidFilter
from smserve.filters import parse_filter
from smserve.gallery import LocalGalleryWriter
from smserve.gallery.database import Database
from smserve.gallery.filtering import (
    FilterCondition,
    RowVerification,
    declare_fields,
    declared_fields,
    indexed_fields,
)
from smserve.gallery.records import FILE_NAME
from tests.gallery.conftest import DIMENSION, MODEL, numbered


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """The records of a gallery of 30 items, open for writing."""
    with LocalGalleryWriter(tmp_path / "g", model_fingerprint=MODEL, dimension=DIMENSION) as writer:
        writer.upsert(numbered(range(30), seed=0))
    return Database(tmp_path / "g" / FILE_NAME, writable=True)


def declare(database: Database, *fields: str) -> tuple[str, ...]:
    with database.transaction() as execute:
        return declare_fields(execute, fields)


def keys(database: Database, text: str) -> list[int]:
    return [int(key) for key in FilterCondition(parse_filter(text)).keys(database.rows)]


def test_none_are_declared_at_first(database: Database) -> None:
    assert declared_fields(database.rows) == ()
    assert indexed_fields(database.rows) == set()


def test_declaring_is_of_the_whole_list(database: Database) -> None:
    assert declare(database, "number", "`text`", "it's.`a.b`", "label", "number") == (
        "it's.`a.b`",
        "label",
        "number",
        "text",
    )
    assert declared_fields(database.rows) == ("it's.`a.b`", "label", "number", "text")
    assert indexed_fields(database.rows) == {"it's.`a.b`", "label", "number", "text"}
    assert declare(database, "number", "item_id") == ("item_id", "number")
    assert declared_fields(database.rows) == ("item_id", "number")
    assert indexed_fields(database.rows) == {"item_id", "number"}
    assert declare(database) == ()
    assert declared_fields(database.rows) == ()
    assert indexed_fields(database.rows) == set()


def test_an_index_follows_later_writes(database: Database, tmp_path: Path) -> None:
    declare(database, "number")
    assert keys(database, "number >= 28") == [29, 30]
    with LocalGalleryWriter(tmp_path / "g", model_fingerprint=MODEL, dimension=DIMENSION) as writer:
        writer.upsert(numbered(range(29, 32), seed=1))
        writer.delete(["item-28"])
    assert keys(database, "number >= 28") == [31, 32, 33]


@pytest.mark.parametrize(
    ("fields", "message"), [(["a..b"], "names no field"), ([f"f{n}" for n in range(33)], "33 .* the limit is 32")]
)
def test_what_can_not_be_declared_changes_nothing(database: Database, fields: list[str], message: str) -> None:
    declare(database, "number")
    with pytest.raises(InvalidFilter, match=message):
        declare(database, *fields)
    assert declared_fields(database.rows) == ("number",)


def change(statement: str) -> Callable[[Database], None]:
    def run(database: Database) -> None:
        with database.transaction() as execute:
            execute(statement)

    return run


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (change("UPDATE meta SET value = replace(value, 'number', 'numbeR') WHERE name = 'filterable'"), "checksum"),
        (change("UPDATE meta SET value = 'x' WHERE name = 'filterable'"), "checksum"),
        (change("DELETE FROM meta WHERE name = 'filterable'"), "fields are none, it has indexes of number, text"),
        (change('DROP INDEX "filter:text"'), "fields are number, text, it has indexes of number;"),
    ],
    ids=range(4),
)
def test_a_damaged_list_is_noticed(database: Database, damage: Callable[[Database], None], message: str) -> None:
    declare(database, "number", "text")
    damage(database)
    with pytest.raises(GalleryDamaged, match=message):
        declared_fields(database.rows)
    with pytest.raises(GalleryDamaged, match=message):
        RowVerification().ensure(database.rows)


def test_rows_are_verified_once(database: Database) -> None:
    asked: list[int] = []

    def query(statement: str, values: Sequence[Any] = (), /) -> list[Any]:
        rows = list(database.rows(statement, values))
        asked.append(len(rows) if "vector" in statement else 0)
        return rows

    verification = RowVerification()
    verification.ensure(query)
    verification.ensure(query)
    assert sum(asked) == 30


@pytest.mark.parametrize("column", ["payload = replace(payload, '7', '8')", "label = 'x'", "checksum = 0"])
def test_a_flipped_row_is_noticed(database: Database, column: str) -> None:
    change(f"UPDATE items SET {column} WHERE key = 8")(database)  # noqa: S608
    with pytest.raises(GalleryDamaged, match=r"key 8.* fails its checksum"):
        RowVerification().ensure(database.rows)


def test_a_flip_in_an_index_is_noticed(tmp_path: Path) -> None:
    """An entry of an index holds the value, too: a flip there leaves an item out, and its row is sound."""
    path = tmp_path / "g"
    with LocalGalleryWriter(path, model_fingerprint=MODEL, dimension=DIMENSION) as writer:
        items = numbered(range(30), seed=0)
        writer.upsert([replace(item, payload={"mark": f"needle-{item.item_id}"}) for item in items])
    database = Database(path / FILE_NAME, writable=True)
    declare(database, "mark")
    RowVerification().ensure(database.rows)
    list(database.rows("PRAGMA wal_checkpoint(TRUNCATE)"))
    database.close()
    data = bytearray((path / FILE_NAME).read_bytes())
    place = data.index(b"textneedle-item-17")  # what it is, and what: so stands an entry, a payload stands otherwise
    data[place + len("textneedle-item-1")] ^= 1
    (path / FILE_NAME).write_bytes(data)
    flipped = Database(path / FILE_NAME, writable=False)
    assert keys(flipped, 'mark = "needle-item-17"') == []  # what must not be served
    with pytest.raises(
        GalleryDamaged, match=r"indexes of table items don't fit its rows .*missing from index filter:mark"
    ):
        RowVerification().ensure(flipped.rows)
