"""What galleries hold and writes to it, one by one; which galleries there are, and their names."""

import grpc

from smserve.config import DEFAULT_PAGE_SIZE
from smserve.engine import Engine
from smserve.service.interest import still_wanted
from smserve.service.models import ModelMethods, origin_of
from smserve.service.streams import Streams
from smserve.service.write_streams import WriteStreams
from smserve.v1 import gallery_pb2, gallery_pb2_grpc
from smserve.wire.filters import filter_from_proto
from smserve.wire.gallery import gallery_to_proto
from smserve.wire.items import counts_to_proto, item_to_proto, page_to_proto
from smserve.wire.origin import fields_from_proto, origin_to_proto
from smserve.wire.writing import deleted_to_proto, new_items_from_proto, upserted_to_proto

__all__ = ["GalleryServicer"]


class GalleryServicer(WriteStreams, ModelMethods, gallery_pb2_grpc.GalleryServiceServicer):
    """smserve.v1.GalleryService on an engine."""

    def __init__(self, engine: Engine, streams: Streams) -> None:
        super().__init__(engine, streams)

    def ListGalleries(  # noqa: N802 - named by the proto
        self,
        request: gallery_pb2.ListGalleriesRequest,  # noqa: ARG002 - it asks nothing
        context: grpc.ServicerContext,  # noqa: ARG002 - answered at once
    ) -> gallery_pb2.ListGalleriesResponse:
        """List the galleries served here."""
        return gallery_pb2.ListGalleriesResponse(
            galleries=map(gallery_to_proto, self._engine.list_galleries()),
            origin=origin_to_proto(self._engine.model_fingerprint),
        )

    def GetGallery(  # noqa: N802 - named by the proto
        self,
        request: gallery_pb2.GetGalleryRequest,
        context: grpc.ServicerContext,  # noqa: ARG002 - answered at once
    ) -> gallery_pb2.GetGalleryResponse:
        """Describe a gallery."""
        info, origin = self._engine.galleries.info(request.gallery)
        return gallery_pb2.GetGalleryResponse(gallery=gallery_to_proto(info), origin=origin_of(origin))

    def CreateGallery(  # noqa: N802 - named by the proto
        self,
        request: gallery_pb2.CreateGalleryRequest,
        context: grpc.ServicerContext,  # noqa: ARG002 - who leaves has it done all the same
    ) -> gallery_pb2.CreateGalleryResponse:
        """Make an empty gallery."""
        info, origin = self._engine.naming.create(request.gallery, request.model_fingerprint)
        return gallery_pb2.CreateGalleryResponse(gallery=gallery_to_proto(info), origin=origin_of(origin))

    def DropGallery(  # noqa: N802 - named by the proto
        self, request: gallery_pb2.DropGalleryRequest, context: grpc.ServicerContext
    ) -> gallery_pb2.DropGalleryResponse:
        """Delete a gallery."""
        expected = request.expected_item_count if request.HasField("expected_item_count") else None
        dropped, origin = self._engine.naming.drop(
            request.gallery, expected_item_count=expected, still_wanted=still_wanted(context)
        )
        return gallery_pb2.DropGalleryResponse(item_count=dropped.item_count, origin=origin_of(origin))

    def SetAlias(  # noqa: N802 - named by the proto
        self,
        request: gallery_pb2.SetAliasRequest,
        context: grpc.ServicerContext,  # noqa: ARG002 - one small file
    ) -> gallery_pb2.SetAliasResponse:
        """Let a further name lead to a gallery."""
        expected = request.expected_gallery if request.HasField("expected_gallery") else None
        change, origin = self._engine.naming.set_alias(request.alias, request.gallery, expected=expected)
        return gallery_pb2.SetAliasResponse(previous_gallery=change.previous_gallery, origin=origin_of(origin))

    def DeleteAlias(  # noqa: N802 - named by the proto
        self,
        request: gallery_pb2.DeleteAliasRequest,
        context: grpc.ServicerContext,  # noqa: ARG002 - one small file
    ) -> gallery_pb2.DeleteAliasResponse:
        """Remove a further name."""
        _, origin = self._engine.naming.delete_alias(request.alias)
        return gallery_pb2.DeleteAliasResponse(origin=origin_of(origin))

    def GetItem(  # noqa: N802 - named by the proto
        self,
        request: gallery_pb2.GetItemRequest,
        context: grpc.ServicerContext,  # noqa: ARG002 - one row, answered at once
    ) -> gallery_pb2.GetItemResponse:
        """Read one item."""
        fields = fields_from_proto(request.fields, given=request.HasField("fields"))
        return item_to_proto(self._engine.items.get(request.gallery, request.item_id, fields))

    def ListItems(  # noqa: N802 - named by the proto
        self,
        request: gallery_pb2.ListItemsRequest,
        context: grpc.ServicerContext,  # noqa: ARG002 - a page is read at once
    ) -> gallery_pb2.ListItemsResponse:
        """Read a page of items."""
        page = self._engine.items.page(
            request.gallery,
            size=request.page_size if request.HasField("page_size") else DEFAULT_PAGE_SIZE,
            token=request.page_token,
            filter=filter_from_proto(request.filter),
            fields=fields_from_proto(request.fields, given=request.HasField("fields")),
        )
        return page_to_proto(page)

    def CountItems(  # noqa: N802 - named by the proto
        self,
        request: gallery_pb2.CountItemsRequest,
        context: grpc.ServicerContext,  # noqa: ARG002 - one statement
    ) -> gallery_pb2.CountItemsResponse:
        """Count items."""
        filter = filter_from_proto(request.filter)
        return counts_to_proto(self._engine.items.count(request.gallery, filter=filter, by_label=request.by_label))

    def UpsertItems(  # noqa: N802 - named by the proto
        self, request: gallery_pb2.UpsertItemsRequest, context: grpc.ServicerContext
    ) -> gallery_pb2.UpsertItemsResponse:
        """Store items."""
        written = self._engine.items.upsert(
            request.gallery,
            new_items_from_proto(request),
            request_id=request.request_id,
            partial=request.partial,
            still_wanted=still_wanted(context),
        )
        return upserted_to_proto(written)

    def DeleteItems(  # noqa: N802 - named by the proto
        self, request: gallery_pb2.DeleteItemsRequest, context: grpc.ServicerContext
    ) -> gallery_pb2.DeleteItemsResponse:
        """Delete items."""
        written = self._engine.items.delete(
            request.gallery,
            request.item_ids,
            filter=filter_from_proto(request.filter),
            request_id=request.request_id,
            still_wanted=still_wanted(context),
        )
        return deleted_to_proto(written)
