"""Writes that come in streams: done one after the other, each answered once it is durable."""

from collections.abc import Iterator

import grpc

from smserve.engine import Engine, StillWanted
from smserve.errors import SmserveError
from smserve.service.streams import Streams
from smserve.v1 import gallery_pb2
from smserve.wire.filters import filter_from_proto
from smserve.wire.status import item_error_to_proto
from smserve.wire.writing import deleted_to_proto, new_items_from_proto, upserted_to_proto

__all__ = ["WriteStreams"]


class WriteStreams:
    """The streaming methods of smserve.v1.GalleryService that write."""

    def __init__(self, engine: Engine, streams: Streams) -> None:
        self._engine = engine
        self._streams = streams

    def UpsertItemsStream(  # noqa: N802 - named by the proto
        self, requests: Iterator[gallery_pb2.UpsertItemsStreamRequest], context: grpc.ServicerContext
    ) -> Iterator[gallery_pb2.UpsertItemsStreamResponse]:
        """Store items as they come."""
        return self._streams.serve(
            requests, context, kind="UpsertItems", answer=self._upserted, refusal=_upsert_refused, in_order=True
        )

    def DeleteItemsStream(  # noqa: N802 - named by the proto
        self, requests: Iterator[gallery_pb2.DeleteItemsStreamRequest], context: grpc.ServicerContext
    ) -> Iterator[gallery_pb2.DeleteItemsStreamResponse]:
        """Delete items as they come."""
        return self._streams.serve(
            requests, context, kind="DeleteItems", answer=self._deleted, refusal=_deletion_refused, in_order=True
        )

    def _upserted(
        self, message: gallery_pb2.UpsertItemsStreamRequest, still_wanted: StillWanted
    ) -> gallery_pb2.UpsertItemsStreamResponse:
        request = message.request
        written = self._engine.items.upsert(
            request.gallery,
            new_items_from_proto(request),
            request_id=request.request_id,
            partial=request.partial,
            still_wanted=still_wanted,
        )
        return gallery_pb2.UpsertItemsStreamResponse(sequence=message.sequence, response=upserted_to_proto(written))

    def _deleted(
        self, message: gallery_pb2.DeleteItemsStreamRequest, still_wanted: StillWanted
    ) -> gallery_pb2.DeleteItemsStreamResponse:
        request = message.request
        written = self._engine.items.delete(
            request.gallery,
            request.item_ids,
            filter=filter_from_proto(request.filter),
            request_id=request.request_id,
            still_wanted=still_wanted,
        )
        return gallery_pb2.DeleteItemsStreamResponse(sequence=message.sequence, response=deleted_to_proto(written))


def _upsert_refused(sequence: int, error: SmserveError) -> gallery_pb2.UpsertItemsStreamResponse:
    return gallery_pb2.UpsertItemsStreamResponse(sequence=sequence, error=item_error_to_proto(error))


def _deletion_refused(sequence: int, error: SmserveError) -> gallery_pb2.DeleteItemsStreamResponse:
    return gallery_pb2.DeleteItemsStreamResponse(sequence=sequence, error=item_error_to_proto(error))
