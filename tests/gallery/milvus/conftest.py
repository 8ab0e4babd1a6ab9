"""A gallery in Milvus for each test."""

from pathlib import Path

import pytest

from smserve.gallery.milvus import MilvusAddress, MilvusWriter
from tests.gallery.conftest import DIMENSION, MODEL, numbered
from tests.gallery.milvus.engine import milvus_at


@pytest.fixture
def place(in_memory: Path) -> MilvusAddress:
    return milvus_at(in_memory / "m")


@pytest.fixture
def finished(place: MilvusAddress) -> MilvusAddress:
    """Ten items, published."""
    writer = MilvusWriter.open(place, model_fingerprint=MODEL, dimension=DIMENSION)
    writer.upsert(numbered(range(10), seed=1))
    writer.publish()
    writer.close()
    return place
