"""Search, Embed, Compare and GetServerInfo."""

import grpc

from smserve.engine import Engine
from smserve.service.interest import still_wanted
from smserve.v1 import retrieval_pb2, retrieval_pb2_grpc
from smserve.wire.info import info_to_proto
from smserve.wire.search import comparison_to_proto, embeddings_to_proto, request_from_proto, result_to_proto

__all__ = ["RetrievalServicer"]


class RetrievalServicer(retrieval_pb2_grpc.RetrievalServiceServicer):
    """smserve.v1.RetrievalService on an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def Search(  # noqa: N802 - named by the proto
        self, request: retrieval_pb2.SearchRequest, context: grpc.ServicerContext
    ) -> retrieval_pb2.SearchResponse:
        """Find the items nearest to a picture, a vector or an item."""
        return result_to_proto(self._engine.search(request_from_proto(request), still_wanted(context)))

    def Embed(  # noqa: N802 - named by the proto
        self, request: retrieval_pb2.EmbedRequest, context: grpc.ServicerContext
    ) -> retrieval_pb2.EmbedResponse:
        """Turn pictures into vectors."""
        embeddings = self._engine.embed(request.images, still_wanted(context))
        return embeddings_to_proto(embeddings, self._engine.model_fingerprint)

    def Compare(  # noqa: N802 - named by the proto
        self, request: retrieval_pb2.CompareRequest, context: grpc.ServicerContext
    ) -> retrieval_pb2.CompareResponse:
        """Say how alike two pictures are."""
        return comparison_to_proto(self._engine.compare(request.first, request.second, still_wanted(context)))

    def GetServerInfo(  # noqa: N802 - named by the proto
        self,
        request: retrieval_pb2.GetServerInfoRequest,  # noqa: ARG002 - it asks nothing
        context: grpc.ServicerContext,  # noqa: ARG002 - answered at once
    ) -> retrieval_pb2.GetServerInfoResponse:
        """Describe the model, the galleries and the limits."""
        return info_to_proto(self._engine.server_info())
