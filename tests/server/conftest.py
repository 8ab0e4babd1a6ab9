"""An engine on a small gallery in memory; each test runs its own server."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from smserve.embedder import Embedder
from smserve.engine import Engine
from smserve.gallery.interface import NewItem
from tests.server.asking import Gate
from tests.support.memory_gallery import MemoryGallery


@pytest.fixture
def gallery(tiny_model: Path) -> MemoryGallery:
    embedder = Embedder(tiny_model)
    items = [NewItem(item_id=f"e{number}", vector=row) for number, row in enumerate(np.eye(8, dtype=np.float32))]
    return MemoryGallery(items, model_fingerprint=embedder.fingerprint, dimension=8)


@pytest.fixture
def engine(tiny_model: Path, gallery: MemoryGallery) -> Iterator[Engine]:
    engine = Engine(Embedder(tiny_model), {"basis": gallery})
    yield engine
    engine.close()


@pytest.fixture
def gate(gallery: MemoryGallery, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    gate = Gate(gallery, monkeypatch)
    yield gate
    gate.open.set()
