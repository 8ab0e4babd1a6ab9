"""The calls of an asyncio client that read and write the items of a gallery."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Sequence

from smserve.client.async_connection import AsyncConnection
from smserve.client.calls import items as talks
from smserve.client.calls.streams import DeletePlan, UpsertPlan
from smserve.client.outcomes import WriteOutcome
from smserve.config import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE
from smserve.filters import Filter
from smserve.types import CountResult, Item, ItemPage, ItemResult, UpsertItem, WriteResult

__all__ = ["AsyncItemCalls"]


class AsyncItemCalls(AsyncConnection):
    """In all of them an empty name of a gallery means the server's first one, and an alias leads to its gallery."""

    async def get_item(
        self,
        item_id: str,
        *,
        gallery: str = "",
        payload: bool = True,
        payload_keys: Sequence[str] = (),
        vector: bool = False,
        thumbnail: bool = False,
    ) -> ItemResult:
        """As `Client.get_item`."""
        return await self._run(
            talks.get_item(
                item_id,
                gallery=gallery,
                payload=payload,
                payload_keys=payload_keys,
                vector=vector,
                thumbnail=thumbnail,
            )
        )

    async def list_items(
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
        """As `Client.list_items`."""
        return await self._run(
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

    async def items(
        self,
        *,
        gallery: str = "",
        filter: Filter | str | None = None,
        payload: bool = True,
        payload_keys: Sequence[str] = (),
    ) -> AsyncIterator[Item]:
        """As `Client.items`."""
        token = ""
        while True:
            page = await self.list_items(
                page_size=MAX_PAGE_SIZE,
                page_token=token,
                gallery=gallery,
                filter=filter,
                payload=payload,
                payload_keys=payload_keys,
            )
            for item in page.items:
                yield item
            token = page.next_token
            if not token:
                return

    async def count(
        self, *, gallery: str = "", filter: Filter | str | None = None, by_label: bool = False
    ) -> CountResult:
        """As `Client.count`."""
        return await self._run(talks.count(gallery=gallery, filter=filter, by_label=by_label))

    async def upsert(
        self, items: Sequence[UpsertItem], *, gallery: str = "", request_id: str = "", partial: bool = False
    ) -> WriteResult:
        """As `Client.upsert`."""
        return await self._run(talks.upsert(items, gallery=gallery, request_id=request_id, partial=partial))

    async def delete(
        self,
        item_ids: Sequence[str] = (),
        *,
        filter: Filter | str | None = None,
        gallery: str = "",
        request_id: str = "",
    ) -> WriteResult:
        """As `Client.delete`."""
        return await self._run(talks.delete(item_ids, filter=filter, gallery=gallery, request_id=request_id))

    def upsert_stream(
        self,
        items: Iterable[UpsertItem] | AsyncIterable[UpsertItem],
        *,
        gallery: str = "",
        partial: bool = False,
        request_id: str = "",
        batch_size: int | None = None,
        timeout_s: float | None = None,
    ) -> AsyncIterator[WriteOutcome]:
        """As `Client.upsert_stream`."""
        return self._stream(
            lambda limits: UpsertPlan(
                limits, gallery=gallery, partial=partial, request_id=request_id, batch_size=batch_size
            ),
            items,
            timeout_s,
        )

    def delete_stream(
        self,
        item_ids: Iterable[str] | AsyncIterable[str],
        *,
        gallery: str = "",
        request_id: str = "",
        batch_size: int | None = None,
        timeout_s: float | None = None,
    ) -> AsyncIterator[WriteOutcome]:
        """As `Client.delete_stream`."""
        return self._stream(
            lambda limits: DeletePlan(limits, gallery=gallery, request_id=request_id, batch_size=batch_size),
            item_ids,
            timeout_s,
        )
