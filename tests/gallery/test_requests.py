"""Requests are remembered for so many writes; what is remembered is verified. The contract suite has the rest."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from smserve.errors import GalleryDamaged, RequestIdReused
from smserve.gallery.requests import delete_request, upsert_request
from tests.gallery.conftest import numbered
from tests.gallery.labelled import Labelled
from tests.gallery.test_local import writer_of


def test_an_id_is_remembered_for_so_many_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smserve.gallery.requests.REMEMBERED", 5)  # else it takes 100,000 writes
    items = numbered(range(1), seed=0)
    with writer_of(tmp_path / "g") as writer:
        assert writer.upsert(items, request_id="first").sequence == 1
        for number in range(2, 6):
            assert writer.upsert(items, request_id=str(number)).sequence == number
        assert writer.upsert(items, request_id="first").sequence == 1
        assert writer.upsert(items, request_id="6").sequence == 6
        assert writer.upsert(items, request_id="first").sequence == 7
        ((count,),) = writer._records.database.rows("SELECT count(*) FROM requests")
        assert count == 5


@pytest.mark.parametrize(
    "change",
    [
        {"item_id": "other"},
        {"vector": numbered(range(1), seed=1)[0].vector},
        {"label": "other"},
        {"payload": {"number": 0, "text": "ä", "more": None}},
        {"source_uri": "other"},
        {"source_sha256": "00"},
        {"thumbnail": b""},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_part_of_an_item_counts(change: dict[str, object]) -> None:
    item = replace(numbered(range(1), seed=0)[0], source_sha256="")
    request = upsert_request("r", [item])
    assert request == upsert_request("r", [replace(numbered(range(1), seed=0)[0], source_sha256="")])
    assert request is not None
    assert request != upsert_request("r", [replace(item, **change)])  # type: ignore[arg-type]  # fields by name
    assert request != upsert_request("r", [item, item])


def test_the_same_picture_is_the_same_item() -> None:
    """Embedded again after a restart, by another provider for example, its vector can differ by a bit."""
    (item,) = numbered(range(1), seed=0)
    again = replace(item, vector=np.nextafter(item.vector, np.float32(2)), thumbnail=b"another encoder")
    assert item.source_sha256
    assert upsert_request("r", [item]) == upsert_request("r", [again])
    assert upsert_request("r", [item]) != upsert_request("r", [replace(again, source_sha256="00")])


def test_deletions_differ() -> None:
    digests = {
        getattr(delete_request("r", selected), "digest")  # noqa: B009 - it is never None here
        for selected in (["a", "b"], ["ab"], ["b", "a"], [], Labelled("a"), Labelled("b"))
    }
    assert len(digests) == 6
    assert delete_request("", ["a"]) is None


@pytest.mark.parametrize("column", ["digest", "sequence", "item_count", "checksum"])
def test_a_damaged_memory_is_noticed(tmp_path: Path, column: str) -> None:
    with writer_of(tmp_path / "g") as writer:
        writer.upsert(numbered(range(1), seed=0), request_id="r")
    with sqlite3.connect(tmp_path / "g" / "gallery.sqlite") as connection:
        connection.execute(f"UPDATE requests SET {column} = {column} || '1'")  # noqa: S608 - a name from above
    connection.close()
    with writer_of(tmp_path / "g") as writer:
        with pytest.raises(GalleryDamaged, match="request 'r' fails its checksum"):
            writer.upsert(numbered(range(1), seed=0), request_id="r")
        assert writer.upsert(numbered(range(1), seed=0), request_id="s").sequence == 2


def test_a_refused_write_is_not_remembered(tmp_path: Path) -> None:
    good, bad = numbered(range(2), seed=0)
    with writer_of(tmp_path / "g") as writer:
        writer.upsert([good], request_id="r")
        with pytest.raises(RequestIdReused):
            writer.upsert([bad], request_id="r")
        with pytest.raises(Exception, match="can't be stored"):
            writer.upsert([replace(bad, payload={"a": object()})], request_id="s")
        assert writer.upsert([bad], request_id="s").sequence == 2
