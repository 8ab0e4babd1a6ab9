"""The calls of a client that read and write the items of a gallery."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from smserve.client.calls import items as talks
from smserve.client.calls.streams import DeletePlan, UpsertPlan
from smserve.client.connection import Connection
from smserve.client.outcomes import WriteOutcome
from smserve.config import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE
from smserve.filters import Filter
from smserve.types import CountResult, Item, ItemPage, ItemResult, UpsertItem, WriteResult

__all__ = ["ItemCalls"]


class ItemCalls(Connection):
    """In all of them an empty name of a gallery means the server's first one, and an alias leads to its gallery."""

    def get_item(
        self,
        item_id: str,
        *,
        gallery: str = "",
        payload: bool = True,
        payload_keys: Sequence[str] = (),
        vector: bool = False,
        thumbnail: bool = False,
    ) -> ItemResult:
        """Read one item of a gallery; the arguments are those of `search`.

        Raises:
            NotFound: There is no such gallery or item.
        """
        return self._run(
            talks.get_item(
                item_id,
                gallery=gallery,
                payload=payload,
                payload_keys=payload_keys,
                vector=vector,
                thumbnail=thumbnail,
            )
        )

    def list_items(
        self,
        *,
        page_size: int = DEFAULT_PAGE_SIZE,
        page_token: str = "",
        gallery: str = "",
        filter: Filter | str | None = None,
        payload: bool = True,
        payload_keys: Sequence[str] = (),
        vector: bool = False,
        thumbnail: bool = False,
    ) -> ItemPage:
        """Read a page of items, in the order in which they were written; `next_token` of it gets the next page.

        Raises:
            InvalidInput: The size is out of range, or the token is none that this gallery gave.
        """
        return self._run(
            talks.list_items(
                page_size=page_size,
                page_token=page_token,
                gallery=gallery,
                filter=filter,
                payload=payload,
                payload_keys=payload_keys,
                vector=vector,
                thumbnail=thumbnail,
            )
        )

    def items(
        self,
        *,
        gallery: str = "",
        filter: Filter | str | None = None,
        payload: bool = True,
        payload_keys: Sequence[str] = (),
    ) -> Iterator[Item]:
        """Read all items, page by page; one that is written again meanwhile may come twice."""
        token = ""
        while True:
            page = self.list_items(
                page_size=MAX_PAGE_SIZE,
                page_token=token,
                gallery=gallery,
                filter=filter,
                payload=payload,
                payload_keys=payload_keys,
            )
            yield from page.items
            token = page.next_token
            if not token:
                return

    def count(self, *, gallery: str = "", filter: Filter | str | None = None, by_label: bool = False) -> CountResult:
        """Count items, all or those that match, and, when asked, those of each label."""
        return self._run(talks.count(gallery=gallery, filter=filter, by_label=by_label))

    def upsert(
        self, items: Sequence[UpsertItem], *, gallery: str = "", request_id: str = "", partial: bool = False
    ) -> WriteResult:
        """Store items in one call, replacing those of the same id; they are durable when this returns.

        For any number of items, see `upsert_stream`.

        Args:
            items: With a picture or a vector each.
            gallery: Its name.
            request_id: Makes it safe to call again with the same items after an error or a crash; a new one by
                default, which covers the retries of this one call.
            partial: Store the good items and name the others in `failures`, instead of all or none.

        Raises:
            InvalidInput: An item is wrong; the error names it, as `items[3].image` for example. Or too many.
            RequestIdReused: The id came with other items before.
            DiskFull: There is no room for it.
            GalleryReadOnly: The gallery is served for reading.
        """
        return self._run(talks.upsert(items, gallery=gallery, request_id=request_id, partial=partial))

    def delete(
        self,
        item_ids: Sequence[str] = (),
        *,
        filter: Filter | str | None = None,
        gallery: str = "",
        request_id: str = "",
    ) -> WriteResult:
        """Delete items by id, or those that match, in one call; ids that are not there are no error. See `upsert`."""
        return self._run(talks.delete(item_ids, filter=filter, gallery=gallery, request_id=request_id))

    def upsert_stream(
        self,
        items: Iterable[UpsertItem],
        *,
        gallery: str = "",
        partial: bool = False,
        request_id: str = "",
        batch_size: int | None = None,
        timeout_s: float | None = None,
    ) -> Iterator[WriteOutcome]:
        """Store any number of items, in as few writes as they fit into; each is durable when its outcome is there.

        Nothing is sent before the first outcome is asked for. A refused write has `error` set; the stream goes on.

        Args:
            items: As for `upsert`; an iterator is read as fast as outcomes are taken.
            gallery: Its name.
            partial: In each write store the good items and name the others in `result.failures`.
            request_id: Makes it safe to send the same items again, with the same `batch_size`.
            batch_size: Items of one write at most; by default as many as it may have.
            timeout_s: Of the whole stream; None for no limit.

        Raises:
            Unavailable: The stream broke. What has an outcome is done; of the rest nothing is known.
        """
        return self._stream(
            lambda limits: UpsertPlan(
                limits, gallery=gallery, partial=partial, request_id=request_id, batch_size=batch_size
            ),
            items,
            timeout_s,
        )

    def delete_stream(
        self,
        item_ids: Iterable[str],
        *,
        gallery: str = "",
        request_id: str = "",
        batch_size: int | None = None,
        timeout_s: float | None = None,
    ) -> Iterator[WriteOutcome]:
        """Delete any number of items by id; see `upsert_stream`."""
        return self._stream(
            lambda limits: DeletePlan(limits, gallery=gallery, request_id=request_id, batch_size=batch_size),
            item_ids,
            timeout_s,
        )
