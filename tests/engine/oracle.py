"""What a gallery must find by a model: every picture embedded, every cosine computed."""

from pathlib import Path

import numpy as np
import pytest

from smserve.embedder import Embedder
from smserve.engine import Engine
from smserve.indexing import pictures_in
from smserve.types import FloatArray, SearchResult

TOP = 5


def bring_level(engine: Engine, fingerprint: str) -> None:
    *_, (last, _) = engine.staging.stage("photos", fingerprint)
    assert last.ready, last.refused


class Oracle:
    """The exact answers of one model."""

    def __init__(self, embedder: Embedder, photos: Path) -> None:
        self.embedder = embedder
        sources = pictures_in(photos)
        self.ids = [source.item_id for source in sources]
        self.vectors = np.stack([self.embed(source.path.read_bytes()) for source in sources])  # (N, D)

    def embed(self, picture: bytes) -> FloatArray:
        (vector,) = self.embedder.embed(self.embedder.prepare(picture)[np.newaxis])
        return np.asarray(vector)

    def check(self, picture: bytes, result: SearchResult) -> None:
        scores = self.vectors @ self.embed(picture)
        wanted = np.sort(scores)[::-1][:TOP]
        assert [hit.score for hit in result.hits] == pytest.approx(wanted, abs=1e-5)
        for hit in result.hits:
            assert hit.score == pytest.approx(scores[self.ids.index(hit.item_id)], abs=1e-5)
