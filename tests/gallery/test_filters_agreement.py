"""Three implementations, one meaning: `matches`, SQL that looks at every row, SQL by indexes of declared fields."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smserve.errors import GalleryDamaged
from smserve.filters import And, Equal, Exists, Filter, In, Not, Or, Range, matches
from smserve.filters.conditions import MAX_CONDITIONS, MAX_DEPTH, MAX_VALUES
from smserve.gallery import NewItem
from smserve.gallery.database import Database, Execute, create_database
from smserve.gallery.filtering import FilterCondition, declare_fields
from smserve.gallery.filtering.compiler import compile_filter
from smserve.gallery.format import SCHEMA
from smserve.gallery.row import COLUMNS, row_of
from tests.filters import strategies

VECTOR = np.array([1.0], np.float32)


class RolledBackError(Exception):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    label: str
    item_id: str
    payload: dict[str, Any]


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> list[Database]:
    """Without an index, and with one of every field."""
    made = []
    for name in ("plain", "declared"):
        path = tmp_path_factory.mktemp("databases") / name
        create_database(path, SCHEMA, "INSERT INTO meta VALUES (?, ?)", [("last_sequence", "0")])
        made.append(Database(path, writable=True))
    with made[1].transaction() as execute:
        declare_fields(execute, strategies.FIELDS)
    return made


@contextmanager
def holding(database: Database, items: Sequence[Stored]) -> Iterator[Execute]:
    """A transaction that has stored the items, with keys from 1 on, and won't be committed."""
    try:
        with database.transaction() as execute:
            for key, item in enumerate(items, 1):
                new = NewItem(item_id=item.item_id, label=item.label, payload=item.payload, vector=VECTOR)
                row = row_of(new, key, 1)
                values = [getattr(row, name) for name in COLUMNS.split(", ")]
                execute(f"INSERT INTO items ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)  # noqa: S608
            yield execute
            raise RolledBackError
    except RolledBackError:
        pass


def check(databases: list[Database], filter: Filter, items: Sequence[Stored]) -> list[int]:
    """Compare all three; returns the keys that match."""
    wanted = [
        key
        for key, item in enumerate(items, 1)
        if matches(filter, label=item.label, item_id=item.item_id, payload=item.payload)
    ]
    for database in databases:
        with holding(database, items) as execute:
            condition = FilterCondition(filter)
            assert condition.keys(execute).tolist() == wanted
            after = [key for key in wanted if key > 2]
            assert condition.keys(execute, after_key=2).tolist() == after
            assert condition.keys(execute, after_key=2, most=2).tolist() == after[:2]
            assert condition.keys(execute, most=1).tolist() == wanted[:1]
    return wanted


def priced(*values: object) -> list[Stored]:
    return [Stored(label="", item_id=str(number), payload={"a": value}) for number, value in enumerate(values)]


stored = st.lists(
    st.builds(Stored, label=strategies.labels, item_id=st.uuids().map(str), payload=strategies.payloads),
    min_size=1,
    max_size=6,
)


@settings(max_examples=250, deadline=None, database=None)
@given(filter=strategies.filters, items=stored)
def test_random_filters_and_payloads(databases: list[Database], filter: Filter, items: list[Stored]) -> None:
    check(databases, filter, items)


@settings(max_examples=100, deadline=None, database=None)
@given(
    number=st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**63), 2**63 - 1)),
    bound=st.sampled_from(["gt", "gte", "lt", "lte"]),
    steps=st.lists(st.integers(-40, 40), min_size=1, max_size=6),
)
def test_bounds_among_the_doubles_beside_them(
    databases: list[Database], number: float, bound: str, steps: list[int]
) -> None:
    """Where SQLite, which reads 15 digits for sure, could mistake a number for its neighbour."""
    beside = []
    for step in steps:
        near = float(number)
        for _ in range(abs(step)):
            near = math.nextafter(near, math.copysign(math.inf, step))
        if math.isfinite(near):
            beside += [near, int(near)]
    bounds: dict[str, Any] = {bound: number}
    check(databases, Range(field="a", **bounds), priced(number, *beside))
    check(databases, Equal("a", number), priced(number, *beside))
    check(databases, In("a", (number, "x", 0)), priced(number, *beside))


def test_equality_tells_apart_what_sqlite_does_not(databases: list[Database]) -> None:
    values = [1, 1.0, True, "1", "true", None, "null", 0, False, "", [1], [[1]], {"a": 1}, "a\0b", "a", 2**63, 2.0**63]
    items = priced(*values)
    assert check(databases, Equal("a", 1), items) == [1, 2, 11]
    assert check(databases, Equal("a", True), items) == [3]
    assert check(databases, Equal("a", "1"), items) == [4]
    assert check(databases, Equal("a", None), items) == [6]
    assert check(databases, Equal("a", False), items) == [9]
    assert check(databases, Equal("a", "a"), items) == [15]
    assert check(databases, Range(field="a", gt="a"), items) == [5, 7, 14]
    assert check(databases, Range(field="a", gte=2.0**62), items) == [17]
    least = -(2**63)  # what is smaller by one is as large once it is a double
    assert check(databases, Range(field="a", lte=least), priced(least, least - 1, float(least))) == [1, 3]
    assert check(databases, Equal("a", least), priced(least - 1, least)) == [2]


def test_the_largest_filters_are_run(databases: list[Database]) -> None:
    items = priced(*range(20))
    many = And(tuple(Not(Equal("a", float(number))) for number in range(1, MAX_CONDITIONS + 1)))
    assert check(databases, many, items) == [1]
    assert check(databases, In("a", tuple(range(10, 10 + MAX_VALUES))), items) == list(range(11, 21))
    deep: Filter = In("a", (5, 6.5, "x", True, None))
    width = MAX_CONDITIONS // MAX_DEPTH - 1
    for level in range(MAX_DEPTH - 1):
        least = Range(field="a", gte=-0.5, lt=1e9)
        deep = Or((*[Exists("b")] * width, deep)) if level % 2 else And((*[least] * width, deep))
    assert check(databases, Not(deep), items) == [*range(1, 6), *range(7, 21)]


def test_a_declared_field_is_found_by_its_index(databases: list[Database]) -> None:
    """Asked of SQLite itself: with an index no row is looked at but those that match."""
    filters = (
        Equal("b", "x"),
        In("b", ("x", 3)),
        Range(field="b", gte=2, lt=3.5),
        Range(field="b", gt="a"),
        Equal("label", "x"),
        And((Equal("b", "x"), Exists("zzz"))),
        Or((Equal("b", "x"), Equal("a.b", 3))),
    )
    for filter in filters:
        for indexed in (False, True):
            condition = compile_filter(filter, ["a.b", "b"] if indexed else [])
            query = f"EXPLAIN QUERY PLAN SELECT key FROM items WHERE {condition.text}"  # noqa: S608
            plan = [text for *_, text in databases[1].rows(query, condition.values)]
            assert ("SCAN items" not in plan) == (indexed or filter == Equal("label", "x")), plan


def test_a_payload_that_is_no_json_is_damage(databases: list[Database]) -> None:
    def ask() -> None:
        with holding(databases[0], priced(1)) as execute:
            execute("UPDATE items SET payload = '{'")
            FilterCondition(Equal("a", 1)).keys(execute)

    with pytest.raises(GalleryDamaged, match="malformed JSON"):
        ask()
