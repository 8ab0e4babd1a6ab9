"""The calls of a client that look into galleries, write to them, and change what they are searched with."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Final

from smserve.client.connection import Connection
from smserve.client.query import read_filter
from smserve.config import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE
from smserve.errors import InvalidInput
from smserve.filters import Filter
from smserve.types import (
    CountResult,
    FieldMask,
    GalleryInfo,
    GenerationInfo,
    Item,
    ItemPage,
    ItemResult,
    UpsertItem,
    WriteResult,
)
from smserve.v1 import gallery_pb2, gallery_pb2_grpc
from smserve.wire.filters import filter_to_proto
from smserve.wire.gallery import gallery_from_proto, generation_from_proto
from smserve.wire.items import counts_from_proto, item_from_proto, page_from_proto
from smserve.wire.origin import fields_to_proto
from smserve.wire.writing import new_item_to_proto, written_from_proto

__all__ = ["GalleryCalls"]

_COMPACTION_S: Final = 600.0


class GalleryCalls(Connection):
    """In all of them an empty name of a gallery means the server's first one.

    All raise NotFound where there is no such gallery, and Unavailable where no server answers; writes raise
    GalleryReadOnly where the gallery is served for reading.
    """

    def __init__(self, address: str, *, timeout_s: float) -> None:
        """See `Client`."""
        super().__init__(address, timeout_s=timeout_s)
        self._galleries: Final = gallery_pb2_grpc.GalleryServiceStub(self._channel)

    def galleries(self) -> list[GalleryInfo]:
        """Describe the galleries that the server has; the first is the default."""
        response = self._call(self._galleries.ListGalleries, gallery_pb2.ListGalleriesRequest())
        return [gallery_from_proto(info) for info in response.galleries]

    def get_item(
        self,
        item_id: str,
        *,
        gallery: str = "",
        payload: bool = True,
        vector: bool = False,
        thumbnail: bool = False,
    ) -> ItemResult:
        """Read one item of a gallery.

        Raises:
            NotFound: There is no such gallery or item.
            Unavailable: No server answers.
        """
        fields = FieldMask(payload=payload, vector=vector, thumbnail=thumbnail)
        request = gallery_pb2.GetItemRequest(gallery=gallery, item_id=item_id, fields=fields_to_proto(fields))
        return item_from_proto(self._call(self._galleries.GetItem, request))

    def list_items(
        self,
        *,
        page_size: int = DEFAULT_PAGE_SIZE,
        page_token: str = "",
        gallery: str = "",
        filter: Filter | str | None = None,
        payload: bool = True,
        vector: bool = False,
        thumbnail: bool = False,
    ) -> ItemPage:
        """Read a page of items, in the order in which they were written; `next_token` of it gets the next page.

        Raises:
            InvalidInput: The size is out of range, or the token is none that this gallery gave.
        """
        if page_size < 0:  # which the wire can't hold
            raise InvalidInput(f"page_size is {page_size}; wanted at least 1", field="page_size")
        request = gallery_pb2.ListItemsRequest(
            gallery=gallery,
            page_size=page_size,
            page_token=page_token,
            filter=filter_to_proto(read_filter(filter)),
            fields=fields_to_proto(FieldMask(payload=payload, vector=vector, thumbnail=thumbnail)),
        )
        return page_from_proto(self._call(self._galleries.ListItems, request))

    def items(self, *, gallery: str = "", filter: Filter | str | None = None, payload: bool = True) -> Iterator[Item]:
        """Read all items, page by page; one that is written again meanwhile may come twice."""
        token = ""
        while True:
            page = self.list_items(
                page_size=MAX_PAGE_SIZE, page_token=token, gallery=gallery, filter=filter, payload=payload
            )
            yield from page.items
            token = page.next_token
            if not token:
                return

    def count(self, *, gallery: str = "", filter: Filter | str | None = None, by_label: bool = False) -> CountResult:
        """Count items, all or those that match, and, when asked, those of each label."""
        request = gallery_pb2.CountItemsRequest(
            gallery=gallery, filter=filter_to_proto(read_filter(filter)), by_label=by_label
        )
        return counts_from_proto(self._call(self._galleries.CountItems, request))

    def upsert(self, items: Sequence[UpsertItem], *, gallery: str = "", request_id: str = "") -> WriteResult:
        """Store items, all or none, replacing those of the same id; they are durable when this returns.

        Args:
            items: With a picture or a vector each.
            gallery: Its name.
            request_id: Makes it safe to call again with the same items after an error or a crash; a new one by default,
                which covers the retries of this one call.

        Raises:
            InvalidInput: An item is wrong; the error names it, as `items[3].image` for example.
            RequestIdReused: The id came with other items before.
            DiskFull: There is no room for it.
        """
        request = gallery_pb2.UpsertItemsRequest(
            gallery=gallery,
            items=[new_item_to_proto(item, f"items[{number}]") for number, item in enumerate(items)],
            request_id=request_id or uuid.uuid4().hex,
        )
        return written_from_proto(self._call(self._galleries.UpsertItems, request))

    def delete(
        self,
        item_ids: Sequence[str] = (),
        *,
        filter: Filter | str | None = None,
        gallery: str = "",
        request_id: str = "",
    ) -> WriteResult:
        """Delete items by id, or those that match; ids that are not there are no error. See `upsert`."""
        request = gallery_pb2.DeleteItemsRequest(
            gallery=gallery,
            item_ids=item_ids,
            filter=filter_to_proto(read_filter(filter)),
            request_id=request_id or uuid.uuid4().hex,
        )
        return written_from_proto(self._call(self._galleries.DeleteItems, request))

    def generations(self, *, gallery: str = "") -> list[GenerationInfo]:
        """Return the generations that a gallery keeps, newest first."""
        request = gallery_pb2.ListGenerationsRequest(gallery=gallery)
        response = self._call(self._galleries.ListGenerations, request)
        return [generation_from_proto(each) for each in response.generations]

    def compact(self, *, gallery: str = "", timeout_s: float = _COMPACTION_S) -> GenerationInfo:
        """Fold what was written into a new generation and swap it in; returns it, when that is done.

        Raises:
            DiskFull: There is no room for it.
            DeadlineExceeded: It takes longer; it goes on.
        """
        request = gallery_pb2.CompactRequest(gallery=gallery)
        return generation_from_proto(self._call(self._galleries.Compact, request, timeout_s=timeout_s).generation)

    def roll_back(self, *, gallery: str = "", expected_generation: int | None = None) -> GenerationInfo:
        """Go back to the generation that was in use before; what was written since stays found.

        Args:
            gallery: Its name.
            expected_generation: When given, and another one is in use, nothing is done.

        Raises:
            GenerationMismatch: Another one is in use, or there is none to go back to.
        """
        request = gallery_pb2.RollBackRequest(gallery=gallery, expected_generation=expected_generation)
        return generation_from_proto(self._call(self._galleries.RollBack, request).generation)
