"""The client: every call takes and returns plain values, and raises `smserve.errors`, never `grpc.RpcError`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import grpc

from smserve.client.batches import batches
from smserve.client.channel import open_channel
from smserve.client.failures import error_from_rpc
from smserve.client.picture import Picture, encode_picture
from smserve.client.query import Query, read_query
from smserve.config import DEFAULT_HOST, DEFAULT_PORT, SearchLimits
from smserve.errors import InvalidInput, Unavailable
from smserve.types import (
    Comparison,
    Embedding,
    FieldMask,
    GalleryInfo,
    ItemResult,
    SearchRequest,
    SearchResult,
    ServerInfo,
)
from smserve.v1 import gallery_pb2, gallery_pb2_grpc, retrieval_pb2, retrieval_pb2_grpc
from smserve.wire.gallery import gallery_from_proto, item_from_proto
from smserve.wire.info import info_from_proto
from smserve.wire.origin import fields_to_proto
from smserve.wire.search import comparison_from_proto, embeddings_from_proto, request_to_proto, result_from_proto

__all__ = ["Client"]

_DEFAULT_ADDRESS: Final = f"{DEFAULT_HOST}:{DEFAULT_PORT}"
_ADDRESS: Final = re.compile(r"[^\s/]+:\d{1,5}|unix:\S+|\w+:///\S+")
_DEFAULT_TOP_K: Final = SearchLimits().default_top_k

_Response = TypeVar("_Response")


class Client:
    """Speaks to one server; safe to share between threads.

    with Client("127.0.0.1:50051") as client:
        for hit in client.search("photo.jpg", top_k=5).hits:
            print(hit.item_id, hit.label, hit.score)
    """

    def __init__(self, address: str = _DEFAULT_ADDRESS, *, timeout_s: float = 30.0) -> None:
        """Prepare a connection; it is made at the first call.

        Args:
            address: HOST:PORT, or another name that gRPC resolves: dns:///HOST:PORT, unix:PATH.
            timeout_s: Longest time that one call may take.

        Raises:
            InvalidInput: The address is none, or the time is not above 0.
        """
        if not _ADDRESS.fullmatch(address):
            raise InvalidInput(
                f"the server's address is {address!r}; wanted HOST:PORT, for example {_DEFAULT_ADDRESS}",
                field="address",
            )
        if timeout_s <= 0:
            raise InvalidInput(f"timeout_s is {timeout_s}; wanted seconds above 0", field="timeout_s")
        self.address: Final = address
        self.timeout_s: Final = timeout_s
        self._closed = False
        self._channel = open_channel(address)
        self._retrieval = retrieval_pb2_grpc.RetrievalServiceStub(self._channel)
        self._galleries = gallery_pb2_grpc.GalleryServiceStub(self._channel)

    def search(
        self,
        query: Query | None = None,
        *,
        item_id: str | None = None,
        top_k: int = _DEFAULT_TOP_K,
        gallery: str = "",
        min_score: float | None = None,
        payload: bool = True,
        vector: bool = False,
        thumbnail: bool = False,
        expected_model_fingerprint: str = "",
    ) -> SearchResult:
        """Find the items nearest to a query; no hit is no error.

        Args:
            query: A path (`str` or `Path`), encoded bytes, a PIL image, an array (H, W, 3) uint8; or a vector, an
                array (D,) of floats; or `ItemId("...")`.
            item_id: An item of the gallery instead of a query; it is left out of its own answer.
            top_k: How many hits at most.
            gallery: Its name; empty means the server's first.
            min_score: Leave out hits whose cosine is smaller.
            payload: Return the items' further columns.
            vector: Return the items' vectors.
            thumbnail: Return the items' thumbnails, where stored.
            expected_model_fingerprint: When given, a server with another model raises ModelMismatch.

        Raises:
            InvalidInput: A value is wrong; `field` names it.
            NotFound: There is no such gallery or item.
            Unavailable: No server answers.
        """
        image, query_vector, query_item = read_query(query, item_id)
        request = SearchRequest(
            image=image,
            vector=query_vector,
            item_id=query_item,
            gallery=gallery,
            top_k=top_k,
            min_score=min_score,
            fields=FieldMask(payload=payload, vector=vector, thumbnail=thumbnail),
            expected_model_fingerprint=expected_model_fingerprint,
        )
        return result_from_proto(self._call(self._retrieval.Search, request_to_proto(request)))

    def embed(self, pictures: Sequence[Picture]) -> list[Embedding]:
        """Return the embedding of each picture, in order; a bad one has `error` set instead of `vector`.

        Any number of pictures: they are sent in as many calls as it takes.

        Raises:
            Unavailable: No server answers.
        """
        outcomes: list[Embedding | None] = [None] * len(pictures)
        for batch in batches(pictures):
            for position, error in batch.errors.items():
                outcomes[position] = Embedding(error=error)
            if not batch.images:
                continue
            request = retrieval_pb2.EmbedRequest(images=batch.images.values())
            response = embeddings_from_proto(self._call(self._retrieval.Embed, request))
            for position, embedding in zip(batch.images, response, strict=True):
                outcomes[position] = embedding
        return [outcome for outcome in outcomes if outcome is not None]

    def compare(self, first: Picture, second: Picture) -> Comparison:
        """Say how alike two pictures are.

        Raises:
            InvalidImage: One of them is no picture that the server accepts; `field` is "first" or "second".
            MessageTooLarge: Each would fit into a message, the two do not.
            Unavailable: No server answers.
        """
        request = retrieval_pb2.CompareRequest(
            first=encode_picture(first, "first"), second=encode_picture(second, "second")
        )
        return comparison_from_proto(self._call(self._retrieval.Compare, request))

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

    def galleries(self) -> list[GalleryInfo]:
        """Describe the galleries that the server has; the first is the default."""
        response = self._call(self._galleries.ListGalleries, gallery_pb2.ListGalleriesRequest())
        return [gallery_from_proto(info) for info in response.galleries]

    def info(self) -> ServerInfo:
        """Describe the server's model, galleries and limits."""
        return info_from_proto(self._call(self._retrieval.GetServerInfo, retrieval_pb2.GetServerInfoRequest()))

    def close(self) -> None:
        """Close the connection; calling it twice is harmless."""
        self._closed = True
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _call(self, method: Callable[..., _Response], request: Any) -> _Response:
        if self._closed:
            raise Unavailable(f"this client of {self.address} is closed; make another one")
        try:
            return method(request, timeout=self.timeout_s)
        except grpc.RpcError as error:
            raise error_from_rpc(error, self.address, self.timeout_s) from None
