"""Search, one or many or a stream of them, Embed, Compare and GetServerInfo."""

import dataclasses
from collections.abc import Callable, Iterator

import grpc

from smserve.engine import CallLimits, Engine, StillWanted
from smserve.errors import SmserveError
from smserve.service.interest import still_wanted
from smserve.service.streams import Streams
from smserve.types import MemoryInfo, SearchRequest
from smserve.v1 import retrieval_pb2, retrieval_pb2_grpc
from smserve.wire.info import info_to_proto
from smserve.wire.search import (
    comparison_to_proto,
    embeddings_to_proto,
    outcomes_to_proto,
    refusal_to_proto,
    request_from_proto,
    result_to_proto,
)

__all__ = ["RetrievalServicer"]


class RetrievalServicer(retrieval_pb2_grpc.RetrievalServiceServicer):
    """smserve.v1.RetrievalService on an engine."""

    def __init__(self, engine: Engine, streams: Streams, limits: CallLimits, memory: Callable[[], MemoryInfo]) -> None:
        """Serve an engine.

        Args:
            engine: Answers.
            streams: Serves SearchStream.
            limits: The server's own, for GetServerInfo.
            memory: Says what it takes now, for the same.
        """
        self._engine = engine
        self._streams = streams
        self._limits = limits
        self._memory = memory

    def Search(  # noqa: N802 - named by the proto
        self, request: retrieval_pb2.SearchRequest, context: grpc.ServicerContext
    ) -> retrieval_pb2.SearchResponse:
        """Find the items nearest to a picture, a vector or an item."""
        return self._found(request, still_wanted(context))

    def BatchSearch(  # noqa: N802 - named by the proto
        self, request: retrieval_pb2.BatchSearchRequest, context: grpc.ServicerContext
    ) -> retrieval_pb2.BatchSearchResponse:
        """Answer many searches at once."""
        outcomes = self._engine.batch_search([_read(message) for message in request.requests], still_wanted(context))
        origin = self._engine.origin()
        return outcomes_to_proto(outcomes, origin.model_fingerprint, origin.gallery, origin.generation)

    def SearchStream(  # noqa: N802 - named by the proto
        self, requests: Iterator[retrieval_pb2.SearchStreamRequest], context: grpc.ServicerContext
    ) -> Iterator[retrieval_pb2.SearchStreamResponse]:
        """Answer searches as they come, in any order."""
        return self._streams.serve(
            requests, context, kind="Search", answer=self._answered, refusal=refusal_to_proto, in_order=False
        )

    def Embed(  # noqa: N802 - named by the proto
        self, request: retrieval_pb2.EmbedRequest, context: grpc.ServicerContext
    ) -> retrieval_pb2.EmbedResponse:
        """Turn pictures into vectors."""
        embeddings = self._engine.embed(
            request.images,
            still_wanted(context),
            gallery=request.gallery,
            expected_model_fingerprint=request.expected_model_fingerprint,
            staged=request.staged,
        )
        return embeddings_to_proto(embeddings, self._engine.model_fingerprint)

    def Compare(  # noqa: N802 - named by the proto
        self, request: retrieval_pb2.CompareRequest, context: grpc.ServicerContext
    ) -> retrieval_pb2.CompareResponse:
        """Say how alike two pictures are."""
        comparison = self._engine.compare(
            request.first,
            request.second,
            still_wanted(context),
            gallery=request.gallery,
            expected_model_fingerprint=request.expected_model_fingerprint,
            staged=request.staged,
        )
        return comparison_to_proto(comparison)

    def GetServerInfo(  # noqa: N802 - named by the proto
        self,
        request: retrieval_pb2.GetServerInfoRequest,  # noqa: ARG002 - it asks nothing
        context: grpc.ServicerContext,  # noqa: ARG002 - answered at once
    ) -> retrieval_pb2.GetServerInfoResponse:
        """Describe the model, the galleries, the limits and the memory."""
        info = dataclasses.replace(self._engine.server_info(self._limits), memory=self._memory())
        return info_to_proto(info)

    def _found(self, request: retrieval_pb2.SearchRequest, wanted: StillWanted) -> retrieval_pb2.SearchResponse:
        return result_to_proto(self._engine.search(request_from_proto(request), wanted))

    def _answered(
        self, message: retrieval_pb2.SearchStreamRequest, wanted: StillWanted
    ) -> retrieval_pb2.SearchStreamResponse:
        return retrieval_pb2.SearchStreamResponse(
            sequence=message.sequence, response=self._found(message.request, wanted)
        )


def _read(message: retrieval_pb2.SearchRequest) -> SearchRequest | SmserveError:
    """Return a query, or why it can't be read."""
    try:
        return request_from_proto(message)
    except SmserveError as error:
        return error.as_outcome()
