"""What a copy reads, at either end: a finished gallery, or a Parquet file of items."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

import numpy as np

from smserve.errors import ItemNotFound
from smserve.gallery import GalleryReader, LocalGallery, NewItem
from smserve.gallery.interchange import ItemFile, check_items, items_of, model_of
from smserve.gallery.milvus import MilvusAddress, MilvusReader
from smserve.indexing.copying.place import Place, is_item_file
from smserve.types import FieldMask, FloatArray, Item

__all__ = ["VECTORS", "Side", "exact_scores", "open_side", "vector_of"]

EVERYTHING: Final = FieldMask(payload=True, vector=True, thumbnail=True)
VECTORS: Final = FieldMask(payload=False, vector=True)
_IDS: Final = FieldMask(payload=False)
_PAGE: Final = 256


class Side(ABC):
    """Some items that stay the same, in the order in which they were written.

    Attributes:
        model_fingerprint: Of the model whose vectors they have.
        dimension: D.
    """

    model_fingerprint: str
    dimension: int

    @abstractmethod
    def count(self) -> int:
        """Return how many there are."""

    @abstractmethod
    def pages(self, fields: FieldMask = EVERYTHING) -> Iterator[Sequence[Item]]:
        """Yield all, with these fields at least."""

    @abstractmethod
    def whole(self, item_ids: Collection[str]) -> dict[str, Item]:
        """Return those of these ids that there are, with everything."""

    @abstractmethod
    def scores(self, queries: FloatArray, top_k: int) -> Sequence[Sequence[float]]:
        """Search, as it is searched; return for each query (Q, D) the scores of what is found, at most top_k."""

    @abstractmethod
    def close(self) -> None:
        """Let go of it."""

    def ids(self) -> Iterator[str]:
        """Yield the ids of all."""
        return (item.item_id for items in self.pages(_IDS) for item in items)


class _Gallery(Side):
    def __init__(self, reader: GalleryReader) -> None:
        self._reader: Final = reader
        info = reader.info()
        self.model_fingerprint, self.dimension = info.model_fingerprint, info.dimension

    def count(self) -> int:
        return self._reader.count().total

    def pages(self, fields: FieldMask = EVERYTHING) -> Iterator[Sequence[Item]]:
        token = ""
        while True:
            page = self._reader.page(_PAGE, token, fields)
            if page.items:
                yield page.items
            token = page.next_token
            if not token:
                return

    def whole(self, item_ids: Collection[str]) -> dict[str, Item]:
        found = {}
        for item_id in item_ids:
            try:
                found[item_id] = self._reader.get(item_id, EVERYTHING)
            except ItemNotFound:
                continue
        return found

    def scores(self, queries: FloatArray, top_k: int) -> Sequence[Sequence[float]]:
        found = self._reader.search(queries, top_k, _IDS).hits
        return [[hit.score for hit in hits] for hits in found]

    def close(self) -> None:
        self._reader.close()


class _File(Side):
    def __init__(self, file: ItemFile, model_fingerprint: str | None) -> None:
        self._file: Final = file
        self.model_fingerprint = model_of(file, model_fingerprint)
        self.dimension = check_items(file)

    def count(self) -> int:
        return self._file.row_count

    def pages(self, fields: FieldMask = EVERYTHING) -> Iterator[Sequence[Item]]:  # noqa: ARG002 - all are at hand
        for batch in self._file.batches(_PAGE, dimension=self.dimension):
            yield [_item(item) for item in items_of(self._file, batch)]

    def whole(self, item_ids: Collection[str]) -> dict[str, Item]:
        wanted = set(item_ids)
        return {item.item_id: item for items in self.pages() for item in items if item.item_id in wanted}

    def scores(self, queries: FloatArray, top_k: int) -> Sequence[Sequence[float]]:
        best = exact_scores(self.pages(), queries, top_k)
        return [row[np.isfinite(row)].tolist() for row in best]

    def close(self) -> None:
        self._file.close()


def open_side(place: Place, model_fingerprint: str | None = None) -> Side:
    """Open what there is at a place; a file is looked at as a whole first.

    Args:
        place: A finished gallery, or a file.
        model_fingerprint: When given, another model's is refused; needed where a file does not name its own.

    Raises:
        GalleryNotFound: There is no gallery.
        GalleryDamaged: It has lost writes.
        InvalidInput: The file can't be read, or a row of it is no item.
        ModelMismatch: It is of another model, or nobody says of which.
    """
    if is_item_file(place):
        file = ItemFile(place)
        try:
            return _File(file, model_fingerprint)
        except BaseException:
            file.close()
            raise
    if isinstance(place, MilvusAddress):
        return _Gallery(MilvusReader.open(place, model_fingerprint=model_fingerprint))
    return _Gallery(LocalGallery.open(place, model_fingerprint=model_fingerprint))


def exact_scores(pages: Iterable[Sequence[Item]], queries: FloatArray, top_k: int) -> FloatArray:
    """Return the largest scores of each query (Q, D) among all items, (Q, top_k), in no order; -inf for none."""
    best = np.full((len(queries), top_k), -np.inf, np.float32)
    for items in pages:
        scores = queries @ np.stack([vector_of(item) for item in items]).T  # (Q, N)
        best = -np.partition(-np.hstack([best, scores]), top_k - 1, axis=1)[:, :top_k]
    return best


def vector_of(item: Item) -> FloatArray:
    """Return the vector (D,) of an item that was read with it."""
    assert item.vector is not None  # noqa: S101 - it was asked for
    return item.vector


def _item(item: NewItem) -> Item:
    return Item(
        item_id=item.item_id,
        label=item.label,
        payload=item.payload,
        source_uri=item.source_uri,
        source_sha256=item.source_sha256,
        vector=item.vector,
        thumbnail=item.thumbnail,
    )
