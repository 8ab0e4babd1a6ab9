"""Exact search against sorting everything."""

import numpy as np
import pytest

from smserve.gallery.exact import search_exactly
from tests.gallery.brute_force import unit_vectors


@pytest.mark.parametrize("chunk", [8, 40, 1 << 20])  # numbers; so that there are many chunks, some, or one
@pytest.mark.parametrize("top_k", [1, 5, 100])
@pytest.mark.parametrize("share", [None, 0.0, 0.3, 0.7])
@pytest.mark.parametrize("count", [1, 3])  # one query is searched for in other ways
def test_it_finds_what_sorting_finds(
    monkeypatch: pytest.MonkeyPatch, chunk: int, top_k: int, share: float | None, count: int
) -> None:
    monkeypatch.setattr("smserve.gallery.exact._CHUNK_NUMBERS", chunk)  # else chunks begin at thousands of vectors
    queries, vectors = unit_vectors(count, 6, seed=1), unit_vectors(50, 6, seed=2)
    positions = None if share is None else np.flatnonzero(np.random.default_rng(0).random(50) < share)
    allowed = range(50) if positions is None else positions.tolist()
    for query, (found, scores) in zip(queries, search_exactly(queries, vectors, top_k, positions), strict=True):
        wanted = sorted(allowed, key=lambda position: -float(query @ vectors[position]))[:top_k]
        assert found.tolist() == wanted
        np.testing.assert_allclose(scores, vectors[wanted] @ query, atol=1e-6)
