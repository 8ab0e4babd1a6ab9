"""A small published gallery, and its oracle."""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from smserve.gallery import LocalGallery, LocalGalleryWriter, NewItem
from smserve.types import FieldMask
from tests.gallery.brute_force import BruteForce, unit_vectors

DIMENSION = 6
MODEL = "a" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A gallery on disk and what it must answer."""

    path: Path
    oracle: BruteForce

    def check(self, top_k: int = 5) -> LocalGallery:
        """Open it and compare some searches with the oracle; returns it open."""
        gallery = LocalGallery.open(self.path)
        queries = unit_vectors(4, DIMENSION, seed=99)
        for query, hits in zip(queries, gallery.search(queries, top_k, FieldMask()).hits, strict=True):
            wanted = self.oracle.search(query, top_k)
            assert [hit.item_id for hit in hits] == [item_id for item_id, _ in wanted]
            np.testing.assert_allclose([hit.score for hit in hits], [score for _, score in wanted], atol=1e-6)
        return gallery


def numbered(numbers: range, seed: int) -> list[NewItem]:
    """Items `item-N` with everything set."""
    return [
        NewItem(
            item_id=f"item-{number}",
            vector=vector,
            label=f"class-{number % 3}",
            payload={"number": number, "text": "ä"},
            source_uri=f"/pictures/{number}.jpg",
            source_sha256=f"{number:064x}",
            thumbnail=bytes([number % 256]) * 20 if number % 2 else None,
        )
        for number, vector in zip(numbers, unit_vectors(len(numbers), DIMENSION, seed), strict=True)
    ]


@pytest.fixture
def in_memory(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk in memory, where there is one: syncing thousands of writes takes minutes on a busy disk."""
    if not os.access("/dev/shm", os.W_OK):  # noqa: S108 - Linux's own
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


@pytest.fixture
def published(in_memory: Path) -> Published:
    """40 items, the second generation; a first one of 20 is still there."""
    path, oracle = in_memory / "gallery", BruteForce()
    with LocalGalleryWriter(path, model_fingerprint=MODEL, dimension=DIMENSION) as writer:
        for start in (0, 20):
            items = numbered(range(start, start + 20), seed=start)
            writer.upsert(items)
            oracle.upsert(items)
            writer.publish()
    return Published(path=path, oracle=oracle)
