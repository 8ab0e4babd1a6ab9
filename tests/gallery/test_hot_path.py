"""A search asks SQLite for the rows of its hits, and for nothing else; a filter asks more at its first use."""

import sqlite3
from collections.abc import Iterator

import pytest

from smserve.filters import parse_filter
from smserve.gallery import LiveGallery, LocalGallery
from smserve.gallery.condition import Condition
from smserve.gallery.filtering import FilterCondition
from smserve.types import FieldMask
from tests.gallery.brute_force import unit_vectors
from tests.gallery.conftest import DIMENSION, Published


class Asked:
    """A gallery whose statements are listed."""

    def __init__(self, gallery: LocalGallery | LiveGallery) -> None:
        self.gallery = gallery
        self.statements: list[str] = []
        gallery.get("item-0", FieldMask())  # opens the connection that is lent to each search in turn
        (connection,) = gallery._records.database._idle
        assert isinstance(connection, sqlite3.Connection)
        connection.set_trace_callback(self.statements.append)

    def search(self, condition: Condition | None = None) -> list[str]:
        """Return the statements of one search, less those that begin and end a transaction."""
        self.statements.clear()
        self.gallery.search(unit_vectors(3, DIMENSION), 5, FieldMask(), condition)
        return [text for text in self.statements if text.startswith("SELECT")]


@pytest.fixture
def asked(published: Published) -> Iterator[Asked]:
    gallery = LocalGallery.open(published.path)
    yield Asked(gallery)
    gallery.close()


def test_a_search_asks_for_the_rows_of_its_hits_once(asked: Asked) -> None:
    (statement,) = asked.search()
    assert " FROM items WHERE key IN (" in statement
    assert statement.count(",") < 60, "15 hits at most, and the columns: not every row"
    assert asked.search() == []


def test_a_reader_asks_again_once_somebody_has_written(asked: Asked, published: Published) -> None:
    asked.search()
    with LiveGallery.open(published.path, compaction=None) as writer:
        for item_id in ("item-0", "item-1"):
            writer.delete([item_id])
            assert asked.search(), "some of what it found may be gone"
            assert isinstance(asked.gallery, LocalGallery)
            asked.gallery.reload()
            asked.search()
            assert asked.search() == []


def test_the_one_who_writes_asks_once(published: Published) -> None:
    with LiveGallery.open(published.path, compaction=None) as gallery:
        asked = Asked(gallery)
        assert len(asked.search()) == 1
        assert asked.search() == []


def test_a_filter_asks_more_at_its_first_use_alone(asked: Asked) -> None:
    condition = FilterCondition(parse_filter('label = "class-1"'))
    assert len(asked.search(condition)) > 1
    for _ in range(3):
        assert asked.search(FilterCondition(parse_filter('label = "class-1"'))) == []
