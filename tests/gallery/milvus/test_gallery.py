"""What is a gallery's own in Milvus: fingerprints, writes that fail half way, two writers, rows that are lost."""

import logging
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from smserve.errors import (
    GalleryDamaged,
    GalleryExists,
    GalleryLocked,
    GalleryNotFound,
    GenerationMismatch,
    InvalidInput,
    ModelMismatch,
    SmserveError,
    Unavailable,
)
from smserve.gallery import NewItem
from smserve.gallery.milvus import MilvusAddress, MilvusGallery, MilvusReader, MilvusWriter
from smserve.gallery.milvus.connection import Connection
from smserve.gallery.values import PerLabel
from smserve.types import FieldMask
from tests.gallery.brute_force import unit_vectors
from tests.gallery.conftest import DIMENSION, MODEL, numbered

OTHER = "b" * 64


def writer_of(place: MilvusAddress, model: str = MODEL) -> MilvusWriter:
    return MilvusWriter.open(place, model_fingerprint=model, dimension=DIMENSION)


def fail_at(writer: MilvusWriter, monkeypatch: pytest.MonkeyPatch, step: tuple[str, str]) -> None:
    """Let the connection break before the first call of a method on the items ("") or the log."""
    connection = writer._connection
    real = connection.call

    def call(name: str, *arguments: Any, **named: Any) -> Any:
        if (name, arguments[0].removeprefix(writer.collections.items)) == step:
            raise Unavailable("the network is gone")
        return real(name, *arguments, **named)

    monkeypatch.setattr(connection, "call", call)


def labels(place: MilvusAddress) -> dict[str, str]:
    with MilvusGallery.open(place) as gallery:
        return {item.item_id: item.label for item in gallery.page(100, "", FieldMask()).items}


def relabelled() -> list[NewItem]:
    return [NewItem(item_id=f"item-{n}", vector=unit_vectors(1, DIMENSION)[0], label="new") for n in range(5, 15)]


def test_info(finished: MilvusAddress) -> None:
    with MilvusGallery.open(finished) as gallery:
        info = gallery.info()
    assert (info.name, info.item_count, info.dimension, info.metric) == (finished.name, 10, DIMENSION, "cosine")
    assert (info.model_fingerprint, info.generation, info.index) == (MODEL, 1, "Milvus FLAT")


def test_another_model_is_refused_with_both_fingerprints(finished: MilvusAddress) -> None:
    MilvusReader.open(finished, model_fingerprint=MODEL).close()
    with pytest.raises(ModelMismatch, match=rf"{MODEL}.*{OTHER}"):
        MilvusReader.open(finished, model_fingerprint=OTHER)
    with pytest.raises(ModelMismatch, match=rf"{MODEL}.*{OTHER}"):
        writer_of(finished, OTHER)


def test_what_is_no_gallery(place: MilvusAddress) -> None:
    with pytest.raises(GalleryNotFound, match="smserve index build"):
        MilvusReader.open(place)
    connection = Connection(place)
    connection.call("create_collection", place.name, dimension=4)
    connection.close()
    with pytest.raises(GalleryNotFound, match="no gallery of smserve"):
        MilvusReader.open(place)
    with pytest.raises(GalleryExists, match="no gallery of smserve"):
        writer_of(place)


def test_an_unpublished_gallery_says_how_far_it_is(place: MilvusAddress) -> None:
    writer = writer_of(place)
    writer.upsert(numbered(range(7), seed=0))
    with pytest.raises(GenerationMismatch, match=r"7 items.*again"):
        MilvusReader.open(place)
    writer.close()


@pytest.mark.parametrize("step", [("insert", ""), ("upsert", "__log")], ids=["rows", "done"])
def test_a_write_that_breaks_off_is_not_seen_and_can_be_repeated(
    finished: MilvusAddress, monkeypatch: pytest.MonkeyPatch, step: tuple[str, str]
) -> None:
    before, writer = labels(finished), writer_of(finished)
    with monkeypatch.context() as patch:
        fail_at(writer, patch, step)
        with pytest.raises(Unavailable, match="network"):
            writer.upsert(relabelled(), request_id="r")
    assert labels(finished) == before
    assert set(writer.sources()) == before.keys()
    written = writer.upsert(relabelled(), request_id="r")
    assert (written.sequence, written.repeated) == (2, False)
    writer.close()
    assert labels(finished) == before | {f"item-{n}": "new" for n in range(5, 15)}


def test_what_a_writer_left_half_done_the_next_one_clears_away(
    finished: MilvusAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, writer = labels(finished), writer_of(finished)
    fail_at(writer, monkeypatch, ("upsert", "__log"))
    with pytest.raises(Unavailable):
        writer.upsert(relabelled())
    writer.close()
    following = writer_of(finished)
    following.delete(["item-0"])
    assert following._connection.count(finished.name, "key >= 0") == 9
    following.close()
    assert labels(finished).keys() == before.keys() - {"item-0"}


def test_a_done_write_stands_though_what_it_replaced_is_still_there(
    finished: MilvusAddress, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    writer = writer_of(finished)
    writer.delete(["nothing"])
    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
        fail_at(writer, patch, ("delete", ""))
        assert writer.upsert(relabelled()).item_count == 10
    assert "not removed yet" in caplog.text
    assert writer._connection.count(finished.name, "key >= 0") == 20
    found = labels(finished)
    assert (len(found), list(found.values()).count("new")) == (15, 10)
    assert len(writer.sources()) == 15
    writer.delete(["item-0"])
    assert writer._connection.count(finished.name, "key >= 0") == 14
    writer.close()


def test_many_rows_are_replaced_at_once(place: MilvusAddress) -> None:
    """So many that the log lists them in rows of their own."""
    items = numbered(range(7000), seed=0)
    writer = writer_of(place)
    writer.upsert(items)
    writer.publish()
    assert writer.delete([item.item_id for item in items[:6500]], request_id="d").item_count == 6500
    assert writer._connection.count(f"{place.name}__log", 'name like "removed/%"') == 0
    assert writer._connection.count(place.name, "key >= 0") == 500
    writer.close()
    assert len(labels(place)) == 100  # of the first page
    reader = MilvusReader.open(place)
    assert reader.count().total == 500
    reader.close()


def test_a_second_writer_is_noticed(finished: MilvusAddress) -> None:
    first, second = writer_of(finished), writer_of(finished)
    first.delete(["item-0"])
    with pytest.raises(GalleryLocked, match="by another process"):
        second.delete(["item-1"])
    first.delete(["item-2"])
    for writer in (first, second):
        writer.close()
    assert labels(finished).keys() == {f"item-{n}" for n in (1, 3, 4, 5, 6, 7, 8, 9)}


def test_searches_see_each_write_whole_or_not_at_all(place: MilvusAddress) -> None:
    """Each write replaces all items, with one label for all: no answer may mix two labels, nor miss an item."""
    vectors = unit_vectors(20, DIMENSION, seed=1)
    first = writer_of(place)
    first.publish()
    first.close()
    gallery, reader, stop = MilvusGallery.open(place), MilvusReader.open(place), threading.Event()

    def write(label: int) -> int:
        items = [NewItem(item_id=f"i{n}", vector=vector, label=str(label)) for n, vector in enumerate(vectors)]
        return gallery.upsert(items).sequence

    def search() -> int:
        latest = 0
        while not stop.is_set():
            answer = reader.search(vectors[:1], 20, FieldMask())
            assert len(answer.hits[0]) == 20
            (label,) = {hit.label for hit in answer.hits[0]}
            assert int(label) == answer.sequence >= latest
            latest = answer.sequence
        return latest

    write(1)
    with ThreadPoolExecutor(2) as pool:
        try:
            searches = [pool.submit(search) for _ in range(2)]
            for sequence in range(2, 30):
                assert write(sequence) == sequence
                stop.wait(0.05)
        finally:
            stop.set()
        assert all(call.result(timeout=60) > 1 for call in searches)
    reader.close()
    gallery.close()


def test_lost_rows_are_noticed(finished: MilvusAddress) -> None:
    connection = Connection(finished)
    connection.call("delete", finished.name, filter="key == 3")
    with pytest.raises(GalleryDamaged, match="9 items, 10 were written"):
        MilvusReader.open(finished)
    connection.call("drop_collection", f"{finished.name}__log")
    with pytest.raises(GalleryDamaged, match=f"lost the collection {finished.name}__log"):
        MilvusReader.open(finished)
    connection.close()


def test_a_changed_row_is_noticed(finished: MilvusAddress) -> None:
    with MilvusGallery.open(finished) as gallery:
        (row,) = gallery._connection.query(finished.name, "key == 3", ["*"])
        gallery._connection.call("upsert", finished.name, [{**row, "label": "another"}])
        with pytest.raises(GalleryDamaged, match=r"'item-2'.*checksum"):
            gallery.get("item-2", FieldMask())


def test_what_is_too_large_for_milvus_stores_nothing(finished: MilvusAddress) -> None:
    vector = unit_vectors(1, DIMENSION)[0]
    with MilvusGallery.open(finished) as gallery:
        for field, item in (
            ("payload", NewItem(item_id="x", vector=vector, payload={"text": "ä" * 40_000})),
            ("thumbnail", NewItem(item_id="x", vector=vector, thumbnail=b"x" * 60_000)),
            ("payload", NewItem(item_id="x", vector=vector, payload={"many": list(range(5000))})),
        ):
            with pytest.raises(InvalidInput, match=r"'x'.*Milvus takes") as caught:
                gallery.upsert([*numbered(range(20, 22), seed=0), item])
            assert caught.value.field == field
        assert gallery.info().item_count == 10


def test_few_of_a_label(finished: MilvusAddress) -> None:
    with MilvusGallery.open(finished) as gallery:
        (hits,) = gallery.search(unit_vectors(1, DIMENSION), 10, FieldMask(), per_label=PerLabel(most=1)).hits
        assert sorted(hit.label for hit in hits) == ["class-0", "class-1", "class-2"]
        answer = gallery.search(unit_vectors(2, DIMENSION), 3, FieldMask())
        assert answer.complete_above == pytest.approx([hits[-1].score for hits in answer.hits])
        assert gallery.search(unit_vectors(2, DIMENSION), 50, FieldMask()).complete_above == (-np.inf, -np.inf)


def test_closed_means_unavailable(finished: MilvusAddress) -> None:
    gallery = MilvusGallery.open(finished)
    gallery.close()
    for call in (gallery.info, gallery.sources, lambda: gallery.upsert(numbered(range(1), seed=0))):
        with pytest.raises(Unavailable, match="closed"):
            call()


def test_nobody_answers() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and not listened to
        server = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(Unavailable, match=f"{server}/g can't be reached"):
            Connection(MilvusAddress(name="g", server=server), timeout_s=1.0)


def test_what_milvus_refuses_is_an_error_of_ours(finished: MilvusAddress) -> None:
    connection = Connection(finished)
    with pytest.raises(SmserveError, match=f"{finished.name}: ") as caught:
        connection.query(finished.name, "no such field > 3", ["key"])
    assert caught.value.__suppress_context__
    connection.close()


def point(place: MilvusAddress, alias: str, collection: str) -> None:
    connection = Connection(place)
    known = connection.call("has_collection", alias)
    connection.call("alter_alias" if known else "create_alias", collection, alias)
    connection.close()


def built(place: MilvusAddress, name: str, numbers: range, model: str = MODEL) -> None:
    writer = writer_of(replace(place, name=name), model)
    writer.upsert(numbered(numbers, seed=2))
    writer.publish()
    writer.close()


def test_an_alias_is_swapped_while_it_is_searched_and_written_to(finished: MilvusAddress) -> None:
    alias = replace(finished, name=f"{finished.name}_alias")
    point(finished, alias.name, finished.name)
    built(finished, f"{finished.name}_next", range(100, 103))
    reader, gallery = MilvusReader.open(alias), MilvusGallery.open(alias)
    assert (reader.info().name, reader.count().total) == (alias.name, 10)
    gallery.delete(["item-0"])
    assert reader.count().total == 9
    point(finished, alias.name, f"{finished.name}_next")
    gallery.upsert(numbered(range(103, 104), seed=3))
    assert gallery.count().total == 4
    deadline = time.monotonic() + 30
    while reader.count().total != 4:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    (hits,) = reader.search(unit_vectors(1, DIMENSION), 10, FieldMask()).hits
    assert {hit.item_id for hit in hits} == {f"item-{n}" for n in range(100, 104)}
    assert len(labels(finished)) == 9
    reader.close()
    gallery.close()


def test_an_alias_that_leads_to_another_model_is_searched_as_before(
    finished: MilvusAddress, caplog: pytest.LogCaptureFixture
) -> None:
    alias = replace(finished, name=f"{finished.name}_alias")
    point(finished, alias.name, finished.name)
    built(finished, f"{finished.name}_next", range(100, 103), model=OTHER)
    with MilvusGallery.open(alias) as gallery:
        point(finished, alias.name, f"{finished.name}_next")
        with pytest.raises(ModelMismatch, match=rf"{OTHER}.*{MODEL}"):
            gallery.delete(["item-0"])
        deadline = time.monotonic() + 30
        while "searched as it was" not in caplog.text:
            assert gallery.count().total == 10
            assert time.monotonic() < deadline
            time.sleep(0.05)
    with MilvusGallery.open(alias, model_fingerprint=OTHER) as gallery:
        assert gallery.count().total == 3
