"""What can be done with the items of a gallery: read them, list and count them, write and delete them."""

from collections.abc import Sequence
from typing import Final

from smserve.config import DEFAULT_PAGE_SIZE, MAX_ITEMS_PER_CALL, MAX_PAGE_SIZE
from smserve.engine.galleries import Galleries
from smserve.engine.interest import StillWanted, always_wanted
from smserve.engine.validation import check_deletion, check_item_id, check_page_size
from smserve.engine.writing import make_items
from smserve.filters import Filter
from smserve.gallery.condition import Condition
from smserve.gallery.filtering import FilterCondition
from smserve.gallery.values import Written
from smserve.types import CountResult, FieldMask, ItemFailure, ItemPage, ItemResult, UpsertItem, WriteResult

__all__ = ["Items", "condition_of"]

_ITS_OWN: Final = FieldMask()


def condition_of(filter: Filter | None) -> Condition | None:
    """Return a filter as galleries take it."""
    return None if filter is None else FilterCondition(filter)


class Items:
    """Safe to use from many threads. An empty name of a gallery means the first one."""

    def __init__(self, galleries: Galleries) -> None:
        self._galleries: Final = galleries

    def get(self, gallery: str, item_id: str, fields: FieldMask) -> ItemResult:
        """Read one item.

        Raises:
            InvalidInput: The id is empty.
            GalleryNotFound: No such gallery is served.
            ItemNotFound: There is none of that id.
        """
        check_item_id(item_id)
        with self._galleries.lease(gallery) as served:
            return ItemResult(
                item=served.reader.get(item_id, fields),
                gallery=served.name,
                generation=served.generation(),
                model_fingerprint=served.model.fingerprint,
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
        with self._galleries.lease(gallery) as served:
            page = served.reader.page(size, token, fields, condition_of(filter))
            return ItemPage(
                items=page.items,
                next_token=page.next_token,
                gallery=served.name,
                generation=served.generation(),
                model_fingerprint=served.model.fingerprint,
            )

    def count(self, gallery: str, *, filter: Filter | None = None, by_label: bool = False) -> CountResult:
        """Count items, and, when asked, those of each label.

        Raises:
            GalleryNotFound: No such gallery is served.
        """
        with self._galleries.lease(gallery) as served:
            counts = served.reader.count(condition_of(filter), by_label=by_label)
            return CountResult(
                total=counts.total,
                by_label=dict(sorted(counts.by_label.items(), key=lambda each: (-each[1], each[0]))),
                gallery=served.name,
                generation=served.generation(),
                model_fingerprint=served.model.fingerprint,
            )

    def upsert(
        self,
        gallery: str,
        items: Sequence[UpsertItem | ItemFailure],
        *,
        request_id: str = "",
        partial: bool = False,
        still_wanted: StillWanted = always_wanted,
    ) -> WriteResult:
        """Store items, all or none; see `GalleryWriter.upsert` for `request_id` and for what it raises, too.

        Args:
            gallery: Its name, or an alias.
            items: Of two with one id the last stays. With `partial`, one that could not be read is its failure.
            request_id: Makes the call safe to repeat.
            partial: Store the good ones, and name the others in the result. Where none is good, nothing is written, and
                the result's sequence is 0.
            still_wanted: Called before each costly step.

        Raises:
            InvalidInput: One of them is wrong; the error names it, as `items[3].image` for example.
            GalleryNotFound: No such gallery is served.
            GalleryReadOnly: It is served for reading.
        """
        with self._galleries.writing(gallery, still_wanted) as (served, writer):
            made, failures = make_items(items, served.model, still_wanted, partial=partial)
            still_wanted()
            nothing = Written(sequence=0, item_count=0, repeated=False)
            written = writer.upsert(made, request_id=request_id) if made else nothing
            return served.result(written, failures)

    def delete(
        self,
        gallery: str,
        item_ids: Sequence[str] = (),
        *,
        filter: Filter | None = None,
        request_id: str = "",
        still_wanted: StillWanted = always_wanted,
    ) -> WriteResult:
        """Delete items by id or those that a filter keeps; what is not there is no error. See `upsert`."""
        check_deletion(item_ids, most=MAX_ITEMS_PER_CALL, has_filter=filter is not None)
        selected = item_ids if filter is None else FilterCondition(filter)
        with self._galleries.writing(gallery, still_wanted) as (served, writer):
            return served.result(writer.delete(selected, request_id=request_id))
