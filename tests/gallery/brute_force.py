"""The oracle: a dictionary of items, searched by comparing with every one."""

from collections.abc import Iterable, Sequence

import numpy as np

from smserve.gallery import NewItem
from smserve.types import FloatArray


def unit_vectors(count: int, dimension: int, seed: int = 0) -> FloatArray:
    """Return (count, dimension) random unit vectors."""
    vectors = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    unit: FloatArray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


class BruteForce:
    """What a gallery must answer."""

    def __init__(self) -> None:
        self.items: dict[str, NewItem] = {}

    def upsert(self, items: Sequence[NewItem]) -> None:
        self.items.update((item.item_id, item) for item in items)

    def delete(self, item_ids: Iterable[str]) -> None:
        for item_id in item_ids:
            self.items.pop(item_id, None)

    def search(self, query: FloatArray, top_k: int) -> list[tuple[str, float]]:
        scored = [(item_id, float(query @ item.vector)) for item_id, item in self.items.items()]
        return sorted(scored, key=lambda pair: (-pair[1], pair[0]))[:top_k]
