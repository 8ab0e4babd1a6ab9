"""Exact search by comparing with every vector: for fresh rows, and for selections too small for an index."""

from typing import Final

import numpy as np

from smserve.gallery.bitmap import Positions
from smserve.types import FloatArray

__all__ = ["search_exactly"]

_CHUNK_NUMBERS: Final = 1 << 20  # 4 MiB of scores, or of vectors gathered, at a time: what a processor's cache holds
_MASKED_FROM: Final = 0.4  # of all vectors; above, comparing one query with all in place is faster than gathering


def search_exactly(
    queries: FloatArray, vectors: FloatArray, top_k: int, positions: Positions | None = None
) -> list[tuple[Positions, FloatArray]]:
    """Find the nearest vectors of each query by inner product.

    Args:
        queries: (Q, D) float32.
        vectors: (N, D) float32.
        top_k: At least 1; fewer come back where there are fewer.
        positions: The rows of `vectors` that may be found, ascending; None means all.

    Returns:
        For each query positions and scores, by falling score.
    """
    left_out = None
    if positions is not None and len(queries) == 1 and len(positions) > _MASKED_FROM * len(vectors):
        left_out = np.ones(len(vectors), np.bool_)
        left_out[positions] = False
    gathered = None if left_out is not None else positions
    count = len(vectors) if gathered is None else len(gathered)
    step = max(1, _CHUNK_NUMBERS // max(len(queries), vectors.shape[1]))
    best = np.empty((len(queries), 0), np.float32)  # (Q, <= top_k) scores, and where they are
    where = np.empty((len(queries), 0), np.int64)
    for start in range(0, count, step):
        rows = slice(start, start + step)
        scores = queries @ vectors[rows if gathered is None else gathered[rows]].T
        if left_out is not None:
            scores[:, left_out[rows]] = -np.inf
        nearer = _worth_a_look(scores, best, top_k)
        best = np.concatenate([best, np.take_along_axis(scores, nearer, axis=1)], axis=1)
        where = np.concatenate([where, nearer + start], axis=1)
        if best.shape[1] > top_k:
            nearest = np.argpartition(best, -top_k, axis=1)[:, -top_k:]
            best, where = np.take_along_axis(best, nearest, axis=1), np.take_along_axis(where, nearest, axis=1)
    order = np.argsort(-best, axis=1, kind="stable")[:, : count if positions is None else len(positions)]
    best, where = np.take_along_axis(best, order, axis=1), np.take_along_axis(where, order, axis=1)
    return list(zip(where if gathered is None else gathered[where], best, strict=True))


def _worth_a_look(scores: FloatArray, best: FloatArray, top_k: int) -> Positions:
    """Return columns (Q, K) of scores (Q, C) that can be among the best, given the best (Q, <= top_k) so far."""
    if len(scores) == 1 and best.shape[1] == top_k:
        return np.flatnonzero(scores[0] > best.min())[np.newaxis]
    if scores.shape[1] > top_k:
        nearest: Positions = np.argpartition(scores, -top_k, axis=1)[:, -top_k:]
        return nearest
    return np.broadcast_to(np.arange(scores.shape[1]), scores.shape)
