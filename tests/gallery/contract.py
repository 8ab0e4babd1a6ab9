"""What every gallery must do, whatever stores it; a test module derives from `GalleryContract` and makes one."""

from abc import ABC, abstractmethod
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from smserve.errors import InvalidInput, InvalidVector, ItemNotFound
from smserve.gallery import GalleryReader, GalleryWriter, NewItem
from smserve.types import FieldMask
from tests.gallery.brute_force import BruteForce, unit_vectors
from tests.gallery.conftest import DIMENSION, numbered

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
    def test_search_is_brute_force_search(self, tmp_path: Path, top_k: int) -> None:
        oracle, writer = BruteForce(), self.write(tmp_path / "g")
        items = numbered(range(30), seed=1)
        writer.upsert(items)
        oracle.upsert(items)
        writer.publish()
        writer.close()
        self.compare(tmp_path / "g", oracle, top_k)

    def test_writes_after_a_publication_are_found_at_the_next_opening(self, tmp_path: Path) -> None:
        oracle, writer = BruteForce(), self.write(tmp_path / "g")
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
        self.compare(tmp_path / "g", oracle, 12)
        writer.publish()
        writer.close()
        self.compare(tmp_path / "g", oracle, 12)

    def test_random_writes_agree_with_the_oracle(self, tmp_path: Path) -> None:
        random = np.random.default_rng(0)
        oracle, writer = BruteForce(), self.write(tmp_path / "g")
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
            self.compare(tmp_path / "g", oracle, 9)
        writer.close()

    def test_sequence_numbers_grow(self, tmp_path: Path) -> None:
        writer = self.write(tmp_path / "g")
        items = numbered(range(3), seed=0)
        assert [writer.upsert(items[:1]), writer.upsert(items), writer.delete(["item-1"])] == [1, 2, 3]
        assert set(writer.sources()) == {"item-0", "item-2"}
        writer.close()

    def test_what_was_written_is_read(self, tmp_path: Path) -> None:
        writer = self.write(tmp_path / "g")
        items = numbered(range(4), seed=0)
        writer.upsert(items)
        writer.publish()
        writer.close()
        reader = self.read(tmp_path / "g")
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

    def test_equal_scores_come_by_id(self, tmp_path: Path) -> None:
        writer = self.write(tmp_path / "g")
        vector = unit_vectors(1, DIMENSION)[0]
        writer.upsert([NewItem(item_id=name, vector=vector) for name in ("c", "a", "d", "b")])
        writer.publish()
        writer.close()
        reader = self.read(tmp_path / "g")
        (hits,) = reader.search(vector[np.newaxis], 10, FieldMask()).hits
        assert [hit.item_id for hit in hits] == ["a", "b", "c", "d"]
        reader.close()

    def test_another_dimension_names_both(self, tmp_path: Path) -> None:
        writer = self.write(tmp_path / "g")
        writer.upsert(numbered(range(3), seed=0))
        writer.publish()
        writer.close()
        reader = self.read(tmp_path / "g")
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
    def test_one_bad_vector_stores_nothing(self, tmp_path: Path, vector: np.ndarray) -> None:
        writer = self.write(tmp_path / "g")
        bad = NewItem(item_id="bad", vector=vector.astype(np.float32))
        with pytest.raises(InvalidVector, match="'bad'"):
            writer.upsert([*numbered(range(2), seed=0), bad])
        assert not writer.sources()
        writer.close()

    def test_of_two_items_with_one_id_the_last_stays(self, tmp_path: Path) -> None:
        writer = self.write(tmp_path / "g")
        axes = np.eye(DIMENSION, dtype=np.float32)
        writer.upsert([NewItem(item_id="a", vector=axes[0]), NewItem(item_id="a", vector=axes[1], label="last")])
        writer.publish()
        writer.close()
        reader = self.read(tmp_path / "g")
        (hits,) = reader.search(axes[:1], 10, FieldMask(vector=True)).hits
        assert [(hit.item_id, hit.label, hit.score) for hit in hits] == [("a", "last", 0)]
        reader.close()

    @pytest.mark.parametrize("payload", [{"price": float("nan")}, {"shop": object()}, {"text": "\ud800"}])
    def test_a_payload_that_is_no_json_stores_nothing(self, tmp_path: Path, payload: dict[str, object]) -> None:
        writer = self.write(tmp_path / "g")
        good, bad = numbered(range(2), seed=0)
        with pytest.raises(InvalidInput, match=r"'item-1' can't be stored"):
            writer.upsert([good, replace(bad, payload=payload)])
        assert not writer.sources()
        writer.close()

    def test_closing_twice_is_harmless(self, tmp_path: Path) -> None:
        writer = self.write(tmp_path / "g")
        writer.upsert(numbered(range(2), seed=0))
        writer.publish()
        writer.close()
        writer.close()
        reader = self.read(tmp_path / "g")
        reader.close()
        reader.close()
