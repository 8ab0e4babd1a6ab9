"""Rows are verified in the background after a gallery is opened: what comes of it is what a filter would find."""

import logging
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from smserve.errors import GalleryDamaged
from smserve.filters import parse_filter
from smserve.gallery import LiveGallery, LocalGallery
from smserve.gallery.ahead import VerificationAhead
from smserve.gallery.filtering import FilterCondition
from smserve.gallery.records import Records
from smserve.types import FieldMask
from tests.gallery.brute_force import unit_vectors
from tests.gallery.conftest import DIMENSION, Published

CONDITION = FilterCondition(parse_filter("number >= 30"))
TIMEOUT_S = 20.0


@pytest.fixture
def records(published: Published) -> Iterator[Records]:
    opened = Records(published.path, writable=False)
    yield opened
    opened.close()


def run_through(records: Records) -> None:
    ahead = VerificationAhead(records.path.parent, records, after_s=0.0)
    ahead.thread.join(TIMEOUT_S)
    assert not ahead.thread.is_alive()
    ahead.close()


def spoil(gallery: Path) -> None:
    with closing(sqlite3.connect(gallery / "gallery.sqlite")) as connection, connection:
        connection.execute("UPDATE items SET label = 'x' WHERE key = 37")


def test_a_filter_finds_the_rows_verified(records: Records, published: Published) -> None:
    run_through(records)
    assert not records.verification.advance(records.database.rows, 100)
    spoil(published.path)  # too late to be seen by anybody who was through: each row is looked at once
    assert records.matching(CONDITION).tolist() == list(range(31, 41))
    with closing(Records(published.path, writable=False)) as later, pytest.raises(GalleryDamaged, match="key 37"):
        later.matching(CONDITION)


def test_what_was_written_since_is_verified_by_the_filter(records: Records, published: Published) -> None:
    run_through(records)
    with closing(sqlite3.connect(published.path / "gallery.sqlite")) as connection, connection:
        connection.execute(
            "INSERT INTO items SELECT 41, 'new', label, payload, '', '', vector, 9, 0 FROM items LIMIT 1"
        )
    with pytest.raises(GalleryDamaged, match="key 41"):
        records.matching(CONDITION)


def test_damage_is_logged_and_every_filter_refuses_it(
    records: Records, published: Published, caplog: pytest.LogCaptureFixture
) -> None:
    spoil(published.path)
    with caplog.at_level(logging.ERROR):
        run_through(records)
    assert "key 37" in caplog.text
    for _ in range(2):
        with pytest.raises(GalleryDamaged, match="key 37"):
            records.matching(CONDITION)


@pytest.mark.parametrize("kind", [LocalGallery, LiveGallery])
def test_a_filter_does_not_wait_for_it_and_closing_ends_it(
    published: Published, kind: type[LocalGallery] | type[LiveGallery]
) -> None:
    others = set(threading.enumerate())
    gallery = kind.open(published.path)
    begun = [thread for thread in threading.enumerate() if thread not in others and thread.name == "smserve-verifying"]
    assert len(begun) == 1
    found = gallery.search(unit_vectors(1, DIMENSION), 40, FieldMask(), CONDITION)
    assert {hit.item_id for hit in found.hits[0]} == {f"item-{number}" for number in range(30, 40)}
    started = time.monotonic()
    gallery.close()
    gallery.close()
    assert time.monotonic() - started < 1.0
    assert not begun[0].is_alive()


def test_it_and_filters_share_the_work(records: Records) -> None:
    """Many at once: each row is verified once, whoever does it."""
    failed: list[BaseException] = []

    def ask() -> None:
        try:
            assert records.matching(CONDITION).tolist() == list(range(31, 41))
        except BaseException as error:
            failed.append(error)
            raise

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    run_through(records)
    for thread in threads:
        thread.join(TIMEOUT_S)
    assert not failed
