"""What every gallery must do, whatever stores it; a test module derives from `GalleryContract` and makes one."""

from abc import ABC, abstractmethod
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from smserve.errors import InvalidInput, InvalidVector, ItemNotFound, RequestIdReused
from smserve.gallery import Condition, Counts, GalleryReader, GalleryWriter, NewItem, Presence
from smserve.types import FieldMask
from tests.gallery.brute_force import BruteForce, unit_vectors
from tests.gallery.conftest import DIMENSION, numbered
from tests.gallery.labelled import Labelled

EVERYTHING = FieldMask(payload=True, vector=True, thumbnail=True)


class GalleryContract(ABC):
    """The contract suite."""

    @abstractmethod
    def write(self, place: Path) -> GalleryWriter:
        """Make or go on with the gallery at `place`."""

    @abstractmethod
    def read(self, place: Path) -> GalleryReader:
        """Open it for search."""

    def compare(self, place: Path, oracle: BruteForce, top_k: int) -> None:
        reader = self.read(place)
        queries = unit_vectors(5, DIMENSION, seed=7)
        answer = reader.search(queries, top_k, FieldMask())
        assert len(answer.hits) == 5
        for query, hits in zip(queries, answer.hits, strict=True):
            assert [hit.item_id for hit in hits] == [item_id for item_id, _ in oracle.search(query, top_k)]
        assert reader.info().item_count == len(oracle.items)
        reader.close()

    @pytest.mark.parametrize("top_k", [1, 7, 30, 1000])
    def test_search_is_brute_force_search(self, in_memory: Path, top_k: int) -> None:
        oracle, writer = BruteForce(), self.write(in_memory / "g")
        items = numbered(range(30), seed=1)
        writer.upsert(items)
        oracle.upsert(items)
        writer.publish()
        writer.close()
        self.compare(in_memory / "g", oracle, top_k)

    def test_writes_after_a_publication_are_found_at_the_next_opening(self, in_memory: Path) -> None:
        oracle, writer = BruteForce(), self.write(in_memory / "g")
        for items, publish in (
            (numbered(range(30), seed=1), True),
            (numbered(range(20, 40), seed=2), False),  # ten replaced, ten new
        ):
            writer.upsert(items)
            oracle.upsert(items)
            if publish:
                writer.publish()
        writer.delete(["item-3", "item-25", "no such item"])
        oracle.delete(["item-3", "item-25"])
        self.compare(in_memory / "g", oracle, 12)
        writer.publish()
        writer.close()
        self.compare(in_memory / "g", oracle, 12)

    def test_random_writes_agree_with_the_oracle(self, in_memory: Path) -> None:
        random = np.random.default_rng(0)
        oracle, writer = BruteForce(), self.write(in_memory / "g")
        first = numbered(range(10), seed=0)
        writer.upsert(first)
        oracle.upsert(first)
        writer.publish()
        for step in range(12):
            start = int(random.integers(0, 40))
            items = numbered(range(start, start + int(random.integers(1, 8))), seed=100 + step)
            writer.upsert(items)
            oracle.upsert(items)
            gone = [f"item-{number}" for number in random.integers(0, 45, 2)]
            writer.delete(gone)
            oracle.delete(gone)
            if random.random() < 0.3:
                writer.publish()
            self.compare(in_memory / "g", oracle, 9)
        writer.close()

    def test_sequence_numbers_grow(self, in_memory: Path) -> None:
        writer = self.write(in_memory / "g")
        items = numbered(range(3), seed=0)
        written = [writer.upsert(items[:1]), writer.upsert(items), writer.delete(["item-1", "nothing"])]
        assert [(each.sequence, each.item_count, each.repeated) for each in written] == [
            (1, 1, False),
            (2, 3, False),
            (3, 1, False),
        ]
        assert set(writer.sources()) == {"item-0", "item-2"}
        writer.close()

    def test_presence_is_told_byte_for_byte(self, in_memory: Path) -> None:
        writer = self.write(in_memory / "g")
        items = numbered(range(8), seed=0)
        assert writer.presence(items) == [Presence.ABSENT] * 8
        assert writer.presence([]) == []
        writer.upsert(items[:7])
        asked = [
            items[0],
            replace(items[1], thumbnail=None),  # one is stored: an item without any is there
            replace(items[2], thumbnail=b"none is stored"),
            replace(items[3], vector=items[4].vector),
            replace(items[4], payload={"number": 5}),
            replace(items[5], source_sha256=""),
            replace(items[6], label="another"),
            items[7],
        ]
        same, different, absent = Presence.SAME, Presence.DIFFERENT, Presence.ABSENT
        wanted = [same, same, different, different, different, different, different, absent]
        assert writer.presence(asked) == wanted
        assert writer.presence(asked[::-1]) == wanted[::-1]
        writer.delete(["item-0"])
        assert writer.presence(items[:2]) == [absent, same]
        with pytest.raises(InvalidInput, match=r"'item-1' can't be stored"):
            writer.presence([replace(items[1], payload={"price": float("nan")})])
        writer.publish()
        writer.close()

    def test_what_was_written_is_read(self, in_memory: Path) -> None:
        writer = self.write(in_memory / "g")
        items = numbered(range(4), seed=0)
        writer.upsert(items)
        writer.publish()
        writer.close()
        reader = self.read(in_memory / "g")
        for item in items:
            got = reader.get(item.item_id, EVERYTHING)
            assert (got.item_id, got.label, dict(got.payload)) == (item.item_id, item.label, dict(item.payload))
            assert (got.source_uri, got.thumbnail) == (item.source_uri, item.thumbnail)
            assert got.vector is not None
            np.testing.assert_array_equal(got.vector, item.vector)
        (hits,) = reader.search(items[1].vector[np.newaxis], 1, EVERYTHING).hits
        assert (hits[0].item_id, hits[0].label, hits[0].thumbnail) == ("item-1", "class-1", items[1].thumbnail)
        assert dict(hits[0].payload) == {"number": 1, "text": "ä"}
        (bare,) = reader.search(items[1].vector[np.newaxis], 1, FieldMask(payload=False)).hits
        assert (dict(bare[0].payload), bare[0].vector, bare[0].thumbnail) == ({}, None, None)
        with pytest.raises(ItemNotFound, match="'nothing'"):
            reader.get("nothing", EVERYTHING)
        reader.close()

    def test_equal_scores_come_by_id(self, in_memory: Path) -> None:
        writer = self.write(in_memory / "g")
        vector = unit_vectors(1, DIMENSION)[0]
        writer.upsert([NewItem(item_id=name, vector=vector) for name in ("c", "a", "d", "b")])
        writer.publish()
        writer.close()
        reader = self.read(in_memory / "g")
        (hits,) = reader.search(vector[np.newaxis], 10, FieldMask()).hits
        assert [hit.item_id for hit in hits] == ["a", "b", "c", "d"]
        reader.close()

    def test_another_dimension_names_both(self, in_memory: Path) -> None:
        writer = self.write(in_memory / "g")
        writer.upsert(numbered(range(3), seed=0))
        writer.publish()
        writer.close()
        reader = self.read(in_memory / "g")
        with pytest.raises(InvalidVector, match=r"9 numbers.*D=6"):
            reader.search(unit_vectors(1, 9), 3, FieldMask())
        reader.close()

    @pytest.mark.parametrize(
        "vector",
        [
            np.ones(5) / np.sqrt(5),
            np.full(DIMENSION, np.nan),
            np.zeros(DIMENSION),
            np.ones(DIMENSION),
            np.eye(DIMENSION),
        ],
        ids=["length", "not a number", "zero", "norm", "matrix"],
    )
    def test_one_bad_vector_stores_nothing(self, in_memory: Path, vector: np.ndarray) -> None:
        writer = self.write(in_memory / "g")
        bad = NewItem(item_id="bad", vector=vector.astype(np.float32))
        with pytest.raises(InvalidVector, match="'bad'"):
            writer.upsert([*numbered(range(2), seed=0), bad])
        assert not writer.sources()
        writer.close()

    def test_of_two_items_with_one_id_the_last_stays(self, in_memory: Path) -> None:
        writer = self.write(in_memory / "g")
        axes = np.eye(DIMENSION, dtype=np.float32)
        writer.upsert([NewItem(item_id="a", vector=axes[0]), NewItem(item_id="a", vector=axes[1], label="last")])
        writer.publish()
        writer.close()
        reader = self.read(in_memory / "g")
        (hits,) = reader.search(axes[:1], 10, FieldMask(vector=True)).hits
        assert [(hit.item_id, hit.label, hit.score) for hit in hits] == [("a", "last", 0)]
        reader.close()

    @pytest.mark.parametrize("payload", [{"price": float("nan")}, {"shop": object()}, {"text": "\ud800"}])
    def test_a_payload_that_is_no_json_stores_nothing(self, in_memory: Path, payload: dict[str, object]) -> None:
        writer = self.write(in_memory / "g")
        good, bad = numbered(range(2), seed=0)
        with pytest.raises(InvalidInput, match=r"'item-1' can't be stored"):
            writer.upsert([good, replace(bad, payload=payload)])
        assert not writer.sources()
        writer.close()

    def test_a_request_is_done_once(self, in_memory: Path) -> None:
        items = numbered(range(3), seed=0)
        others = [replace(item, source_sha256=f"{number:064x}") for number, item in enumerate(items, 7)]
        writer = self.write(in_memory / "g")
        first = writer.upsert(items, request_id="a")
        assert (first.sequence, first.item_count, first.repeated) == (1, 3, False)
        writer.delete(["item-0", "nothing"], request_id="b")
        assert writer.upsert(items, request_id="a") == replace(first, repeated=True)
        assert set(writer.sources()) == {"item-1", "item-2"}  # it was not written again
        writer.publish()
        writer.close()
        writer = self.write(in_memory / "g")
        assert writer.upsert(items, request_id="a") == replace(first, repeated=True)
        again = writer.delete(["item-0", "nothing"], request_id="b")
        assert (again.sequence, again.item_count, again.repeated) == (2, 1, True)
        for request_id, write in (("a", writer.upsert), ("b", writer.upsert)):
            with pytest.raises(RequestIdReused, match=f"'{request_id}' was used for another write") as caught:
                write(others, request_id=request_id)
            assert caught.value.field == "request_id"
        with pytest.raises(RequestIdReused):
            writer.delete(["item-1"], request_id="b")
        assert set(writer.sources()) == {"item-1", "item-2"}
        assert writer.upsert(others, request_id="c").sequence == 3
        assert writer.upsert(others).sequence == 4
        assert writer.upsert(others).sequence == 5  # without an id each is a write of its own
        writer.close()

    @pytest.mark.parametrize("request_id", ["x" * 201, "a\nb", "\ud800"])
    def test_a_request_id_that_is_none(self, in_memory: Path, request_id: str) -> None:
        writer = self.write(in_memory / "g")
        with pytest.raises(InvalidInput, match="request id") as caught:
            writer.upsert(numbered(range(1), seed=0), request_id=request_id)
        assert caught.value.field == "request_id"
        assert not writer.sources()
        writer.close()

    @pytest.mark.parametrize("publish", [True, False])
    def test_conditions(self, in_memory: Path, publish: bool) -> None:
        """Search, count, page and delete see only what matches; items are of three classes by turns."""
        oracle, writer = BruteForce(), self.write(in_memory / "g")
        items = numbered(range(30), seed=1)
        writer.upsert(items)
        writer.publish()
        writer.upsert(newer := numbered(range(25, 40), seed=2))
        writer.delete(["item-3", "item-30"])
        if publish:
            writer.publish()
        oracle.upsert([*items, *newer])
        oracle.delete(["item-3", "item-30"])
        reader = self.read(in_memory / "g")
        for label, condition in (("class-0", Labelled("class-0")), ("nothing", Labelled("nothing"))):
            matching = BruteForce()
            matching.upsert([item for item in oracle.items.values() if item.label == label])
            for query in unit_vectors(3, DIMENSION, seed=7):
                (hits,) = reader.search(query[np.newaxis], 5, FieldMask(), condition).hits
                assert [hit.item_id for hit in hits] == [item_id for item_id, _ in matching.search(query, 5)]
            assert reader.count(condition).total == len(matching.items)
            pages = reader.page(100, "", FieldMask(), condition)
            assert {item.item_id for item in pages.items} == matching.items.keys()
        reader.close()
        assert writer.delete(Labelled("class-0"), request_id="d").item_count == 12
        assert {source.label for source in writer.sources().values()} == {"class-1", "class-2"}
        assert writer.delete(Labelled("class-0"), request_id="d").repeated
        writer.close()

    def test_counts(self, in_memory: Path) -> None:
        writer = self.write(in_memory / "g")
        writer.upsert([*numbered(range(7), seed=1), replace(numbered(range(7, 8), seed=2)[0], label="")])
        writer.delete(["item-6"])
        writer.publish()
        writer.close()
        reader = self.read(in_memory / "g")
        assert reader.count() == Counts(total=7)
        assert reader.count(by_label=True) == Counts(
            total=7, by_label={"class-0": 2, "class-1": 2, "class-2": 2, "": 1}
        )
        assert reader.count(Labelled("class-1"), by_label=True) == Counts(total=2, by_label={"class-1": 2})
        reader.close()

    @pytest.mark.parametrize("size", [1, 3, 7, 8, 100])
    @pytest.mark.parametrize("condition", [None, Labelled("class-1")])
    def test_pages(self, in_memory: Path, size: int, condition: Condition | None) -> None:
        writer = self.write(in_memory / "g")
        writer.upsert(numbered(range(8), seed=1))
        writer.upsert(numbered(range(2, 3), seed=2))  # so it is the last
        writer.publish()
        writer.close()
        reader = self.read(in_memory / "g")
        found, tokens = [], [""]
        while len(tokens) == 1 or tokens[-1]:
            page = reader.page(size, tokens[-1], EVERYTHING, condition)
            assert 1 <= len(page.items) <= size
            found += [(item.item_id, item.vector is not None) for item in page.items]
            tokens.append(page.next_token)
        wanted = [0, 1, 3, 4, 5, 6, 7, 2] if condition is None else [1, 4, 7]
        assert found == [(f"item-{number}", True) for number in wanted]
        assert len(tokens) == 1 + -(-len(wanted) // size)  # no empty page at the end
        reader.close()

    @pytest.mark.parametrize("token", ["x", "ä", "bm9uZQ==", "YWZ0ZXIgLTE=", "YWZ0ZXIg" + "OTk5" * 9])
    def test_a_token_that_is_none(self, in_memory: Path, token: str) -> None:
        writer = self.write(in_memory / "g")
        writer.publish()
        writer.close()
        reader = self.read(in_memory / "g")
        with pytest.raises(InvalidInput, match="page token") as caught:
            reader.page(3, token, FieldMask())
        assert caught.value.field == "page_token"
        with pytest.raises(InvalidInput, match="page of 0 items"):
            reader.page(0, "", FieldMask())
        reader.close()

    def test_an_item_without_an_id_stores_nothing(self, in_memory: Path) -> None:
        writer = self.write(in_memory / "g")
        with pytest.raises(InvalidInput, match="empty id"):
            writer.upsert([*numbered(range(2), seed=0), replace(numbered(range(1), seed=0)[0], item_id="")])
        assert not writer.sources()
        writer.close()

    def test_closing_twice_is_harmless(self, in_memory: Path) -> None:
        writer = self.write(in_memory / "g")
        writer.upsert(numbered(range(2), seed=0))
        writer.publish()
        writer.close()
        writer.close()
        reader = self.read(in_memory / "g")
        reader.close()
        reader.close()
