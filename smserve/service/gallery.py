"""ListGalleries and GetItem."""

import grpc

from smserve.engine import Engine
from smserve.v1 import gallery_pb2, gallery_pb2_grpc
from smserve.wire.gallery import gallery_to_proto, item_to_proto
from smserve.wire.origin import fields_from_proto, origin_to_proto

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
        return item_to_proto(self._engine.get_item(request.gallery, request.item_id, fields))
