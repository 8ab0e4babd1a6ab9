"""What can be done with the items of a gallery: read them, list and count them, write and delete them."""

from collections.abc import Callable, Sequence
from typing import Final

from smserve.config import DEFAULT_PAGE_SIZE, MAX_ITEMS_PER_CALL, MAX_PAGE_SIZE
from smserve.engine.galleries import Galleries
from smserve.engine.validation import check_deletion, check_item_id, check_page_size
from smserve.engine.writing import ItemMaker
from smserve.filters import Filter
from smserve.gallery.condition import Condition
from smserve.gallery.filtering import FilterCondition
from smserve.gallery.interface import GalleryReader
from smserve.types import CountResult, FieldMask, ItemPage, ItemResult, UpsertItem, WriteResult

__all__ = ["Items", "condition_of"]

_ITS_OWN: Final = FieldMask()


def _always_wanted() -> None:
    pass


def condition_of(filter: Filter | None) -> Condition | None:
    """Return a filter as galleries take it."""
    return None if filter is None else FilterCondition(filter)


class Items:
    """Safe to use from many threads. An empty name of a gallery means the first one."""

    def __init__(self, galleries: Galleries, maker: ItemMaker, model_fingerprint: str) -> None:
        self._galleries: Final = galleries
        self._maker: Final = maker
        self._model_fingerprint: Final = model_fingerprint

    def get(self, gallery: str, item_id: str, fields: FieldMask) -> ItemResult:
        """Read one item.

        Raises:
            InvalidInput: The id is empty.
            GalleryNotFound: No such gallery is served.
            ItemNotFound: There is none of that id.
        """
        check_item_id(item_id)
        name, reader = self._galleries.reader(gallery)
        item = reader.get(item_id, fields)
        return ItemResult(
            item=item, gallery=name, generation=_generation(reader), model_fingerprint=self._model_fingerprint
        )

    def page(
        self,
        gallery: str,
        *,
        size: int = DEFAULT_PAGE_SIZE,
        token: str = "",
        filter: Filter | None = None,
        fields: FieldMask = _ITS_OWN,
    ) -> ItemPage:
        """Read the next items in the order in which they were written; see `GalleryReader.page`.

        Raises:
            InvalidInput: The size is out of range, or the token is none that this gallery gave.
            GalleryNotFound: No such gallery is served.
        """
        check_page_size(size, MAX_PAGE_SIZE)
        name, reader = self._galleries.reader(gallery)
        page = reader.page(size, token, fields, condition_of(filter))
        return ItemPage(
            items=page.items,
            next_token=page.next_token,
            gallery=name,
            generation=_generation(reader),
            model_fingerprint=self._model_fingerprint,
        )

    def count(self, gallery: str, *, filter: Filter | None = None, by_label: bool = False) -> CountResult:
        """Count items, and, when asked, those of each label.

        Raises:
            GalleryNotFound: No such gallery is served.
        """
        name, reader = self._galleries.reader(gallery)
        counts = reader.count(condition_of(filter), by_label=by_label)
        return CountResult(
            total=counts.total,
            by_label=dict(sorted(counts.by_label.items(), key=lambda each: (-each[1], each[0]))),
            gallery=name,
            generation=_generation(reader),
            model_fingerprint=self._model_fingerprint,
        )

    def upsert(
        self,
        gallery: str,
        items: Sequence[UpsertItem],
        *,
        request_id: str = "",
        still_wanted: Callable[[], None] = _always_wanted,
    ) -> WriteResult:
        """Store items, all or none; see `GalleryWriter.upsert` for `request_id` and for what it raises, too.

        Raises:
            InvalidInput: One of them is wrong; the error names it, as `items[3].image` for example.
            GalleryNotFound: No such gallery is served.
            GalleryReadOnly: It is served for reading.
        """
        name, writer = self._galleries.writer(gallery)
        made = self._maker.make(items, still_wanted)
        still_wanted()
        return self._galleries.result(name, writer.upsert(made, request_id=request_id), self._model_fingerprint)

    def delete(
        self, gallery: str, item_ids: Sequence[str] = (), *, filter: Filter | None = None, request_id: str = ""
    ) -> WriteResult:
        """Delete items by id or those that a filter keeps; what is not there is no error. See `upsert`."""
        check_deletion(item_ids, most=MAX_ITEMS_PER_CALL, has_filter=filter is not None)
        name, writer = self._galleries.writer(gallery)
        selected = item_ids if filter is None else FilterCondition(filter)
        return self._galleries.result(name, writer.delete(selected, request_id=request_id), self._model_fingerprint)


def _generation(reader: GalleryReader) -> int:
    return reader.info().generation
