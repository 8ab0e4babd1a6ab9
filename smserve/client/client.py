"""The client: every call takes and returns plain values, and raises `smserve.errors`, never `grpc.RpcError`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from smserve.client.batches import batches
from smserve.client.connection import DEFAULT_ADDRESS
from smserve.client.galleries import GalleryCalls
from smserve.client.picture import Picture, encode_picture
from smserve.client.query import Query, read_filter, read_query
from smserve.config import SearchLimits
from smserve.filters import Filter
from smserve.types import Comparison, Embedding, FieldMask, SearchRequest, SearchResult, ServerInfo
from smserve.v1 import retrieval_pb2, retrieval_pb2_grpc
from smserve.wire.info import info_from_proto
from smserve.wire.search import comparison_from_proto, embeddings_from_proto, request_to_proto, result_from_proto

__all__ = ["Client"]

_DEFAULT_TOP_K: Final = SearchLimits().default_top_k


class Client(GalleryCalls):
    """Speaks to one server; safe to share between threads.

    with Client("127.0.0.1:50051") as client:
        for hit in client.search("photo.jpg", top_k=5).hits:
            print(hit.item_id, hit.label, hit.score)
    """

    def __init__(self, address: str = DEFAULT_ADDRESS, *, timeout_s: float = 30.0) -> None:
        """Prepare a connection; it is made at the first call.

        Args:
            address: HOST:PORT, or another name that gRPC resolves: dns:///HOST:PORT, unix:PATH.
            timeout_s: Longest time that one call may take.

        Raises:
            InvalidInput: The address is none, or the time is not above 0.
        """
        super().__init__(address, timeout_s=timeout_s)
        self._retrieval = retrieval_pb2_grpc.RetrievalServiceStub(self._channel)

    def search(
        self,
        query: Query | None = None,
        *,
        item_id: str | None = None,
        top_k: int = _DEFAULT_TOP_K,
        gallery: str = "",
        min_score: float | None = None,
        filter: Filter | str | None = None,
        max_per_label: int | None = None,
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
            filter: Find only items that match, for example 'label = "apple" and price < 10'; see docs/filters.md.
            max_per_label: At most so many hits of one label, in favour of the next nearest of other labels.
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
            filter=read_filter(filter),
            max_per_label=max_per_label,
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

    def info(self) -> ServerInfo:
        """Describe the server's model, galleries and limits."""
        return info_from_proto(self._call(self._retrieval.GetServerInfo, retrieval_pb2.GetServerInfoRequest()))
