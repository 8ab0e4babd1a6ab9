"""What galleries hold, writes to it, and the generations that it is searched with."""

import grpc

from smserve.config import DEFAULT_PAGE_SIZE
from smserve.engine import Engine
from smserve.service.interest import still_wanted
from smserve.v1 import gallery_pb2, gallery_pb2_grpc, types_pb2
from smserve.wire.filters import filter_from_proto
from smserve.wire.gallery import gallery_to_proto, generation_to_proto
from smserve.wire.items import counts_to_proto, item_to_proto, page_to_proto
from smserve.wire.origin import fields_from_proto, origin_to_proto
from smserve.wire.writing import deleted_to_proto, new_items_from_proto, upserted_to_proto

__all__ = ["GalleryServicer"]


class GalleryServicer(gallery_pb2_grpc.GalleryServiceServicer):
    """smserve.v1.GalleryService on an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

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
            still_wanted=still_wanted(context),
        )
        return upserted_to_proto(written)

    def DeleteItems(  # noqa: N802 - named by the proto
        self,
        request: gallery_pb2.DeleteItemsRequest,
        context: grpc.ServicerContext,  # noqa: ARG002 - one transaction
    ) -> gallery_pb2.DeleteItemsResponse:
        """Delete items."""
        written = self._engine.items.delete(
            request.gallery,
            request.item_ids,
            filter=filter_from_proto(request.filter),
            request_id=request.request_id,
        )
        return deleted_to_proto(written)

    def ListGenerations(  # noqa: N802 - named by the proto
        self,
        request: gallery_pb2.ListGenerationsRequest,
        context: grpc.ServicerContext,  # noqa: ARG002 - answered at once
    ) -> gallery_pb2.ListGenerationsResponse:
        """List generations."""
        generations = self._engine.generations.list(request.gallery)
        current = next((each.number for each in generations if each.current), 0)
        return gallery_pb2.ListGenerationsResponse(
            generations=map(generation_to_proto, generations), origin=self._origin(request.gallery, current)
        )

    def Compact(  # noqa: N802 - named by the proto
        self,
        request: gallery_pb2.CompactRequest,
        context: grpc.ServicerContext,  # noqa: ARG002 - who leaves has it done all the same
    ) -> gallery_pb2.CompactResponse:
        """Build the next generation and swap it in."""
        info = self._engine.generations.compact(request.gallery)
        return gallery_pb2.CompactResponse(
            generation=generation_to_proto(info), origin=self._origin(request.gallery, info.number)
        )

    def RollBack(  # noqa: N802 - named by the proto
        self,
        request: gallery_pb2.RollBackRequest,
        context: grpc.ServicerContext,  # noqa: ARG002 - who leaves has it done all the same
    ) -> gallery_pb2.RollBackResponse:
        """Go back to the generation before."""
        expected = request.expected_generation if request.HasField("expected_generation") else None
        info = self._engine.generations.roll_back(request.gallery, expected=expected)
        return gallery_pb2.RollBackResponse(
            generation=generation_to_proto(info), origin=self._origin(request.gallery, info.number)
        )

    def _origin(self, gallery: str, generation: int) -> types_pb2.Origin:
        return origin_to_proto(self._engine.model_fingerprint, self._engine.gallery_name(gallery), generation)
