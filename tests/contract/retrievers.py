"""One face for the two ways to ask: the engine in process, and the client over a real server."""

from collections.abc import Sequence
from typing import Protocol

from smserve.client import Client
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


class Retriever(Protocol):
    """What the contract suite asks; `Engine` has it as it is."""

    def search(self, request: SearchRequest, /) -> SearchResult: ...
    def embed(self, images: Sequence[bytes], /) -> Sequence[Embedding]: ...
    def compare(self, first: bytes, second: bytes, /) -> Comparison: ...
    def get_item(self, gallery: str, item_id: str, fields: FieldMask, /) -> ItemResult: ...
    def list_galleries(self) -> Sequence[GalleryInfo]: ...
    def server_info(self) -> ServerInfo: ...


class OverGrpc:
    """The client's calls under the engine's names."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def search(self, request: SearchRequest, /) -> SearchResult:
        return self.client.search(
            request.image if request.image is not None else request.vector,
            item_id=request.item_id,
            top_k=request.top_k,
            gallery=request.gallery,
            min_score=request.min_score,
            payload=request.fields.payload,
            vector=request.fields.vector,
            thumbnail=request.fields.thumbnail,
            expected_model_fingerprint=request.expected_model_fingerprint,
        )

    def embed(self, images: Sequence[bytes], /) -> Sequence[Embedding]:
        return self.client.embed(images)

    def compare(self, first: bytes, second: bytes, /) -> Comparison:
        return self.client.compare(first, second)

    def get_item(self, gallery: str, item_id: str, fields: FieldMask, /) -> ItemResult:
        return self.client.get_item(
            item_id, gallery=gallery, payload=fields.payload, vector=fields.vector, thumbnail=fields.thumbnail
        )

    def list_galleries(self) -> Sequence[GalleryInfo]:
        return self.client.galleries()

    def server_info(self) -> ServerInfo:
        return self.client.info()
