"""Embed pictures in batches, and store their items in larger ones."""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from smserve.embedder import Embedder
from smserve.gallery import NewItem
from smserve.types import FloatArray

__all__ = ["Sink", "Store"]

_STORED: Final = 256  # items of one transaction
_EMBEDDED: Final = 32  # pictures of one run of the model


class Store(Protocol):
    """Stores items durably."""

    def __call__(self, items: Sequence[NewItem], /) -> object:
        """Return once they are."""


class Sink:
    """Takes pictures in, one at a time.

    Attributes:
        embedded: Pictures taken in.
    """

    def __init__(self, embedder: Embedder, store: Store) -> None:
        self._embedder: Final = embedder
        self._to_store: Final = store
        self._pixels: list[NDArray[np.uint8]] = []
        self._makers: list[Callable[[FloatArray], NewItem]] = []
        self._items: list[NewItem] = []
        self.embedded = 0

    def add(self, pixels: NDArray[np.uint8], item: Callable[[FloatArray], NewItem]) -> None:
        """Take in a picture (H, W, 3), and what makes an item of its vector (D,)."""
        self.embedded += 1
        self._pixels.append(pixels)
        self._makers.append(item)
        if len(self._pixels) == _EMBEDDED:
            self._embed()
        if len(self._items) >= _STORED:
            self._store()

    def put(self, item: NewItem) -> None:
        """Take in a picture that was embedded elsewhere; not to be mixed with `add`, which keeps pictures waiting."""
        self.embedded += 1
        self._items.append(item)
        if len(self._items) >= _STORED:
            self._store()

    def flush(self) -> None:
        """Store what is left."""
        self._embed()
        self._store()

    def _embed(self) -> None:
        if self._pixels:
            vectors = self._embedder.embed(np.stack(self._pixels))  # (N, D)
            self._items += [make(vector) for make, vector in zip(self._makers, vectors, strict=True)]
            self._pixels, self._makers = [], []

    def _store(self) -> None:
        if self._items:
            self._to_store(self._items)
            self._items = []
