"""One face for the two ways to ask: the engine in process, and the client over a real server."""

from collections.abc import Sequence
from typing import Protocol

from smserve.client import Client
from smserve.config import DEFAULT_PAGE_SIZE
from smserve.filters import Filter
from smserve.types import (
    Comparison,
    CountResult,
    Embedding,
    FieldMask,
    GalleryInfo,
    GenerationInfo,
    ItemPage,
    ItemResult,
    SearchRequest,
    SearchResult,
    ServerInfo,
    UpsertItem,
    WriteResult,
)

PAYLOAD = FieldMask()


class ItemCalls(Protocol):
    """What the contract suite asks of items."""

    def get(self, gallery: str, item_id: str, fields: FieldMask, /) -> ItemResult: ...
    def page(
        self,
        gallery: str,
        /,
        *,
        size: int = DEFAULT_PAGE_SIZE,
        token: str = "",
        filter: Filter | None = None,
        fields: FieldMask = PAYLOAD,
    ) -> ItemPage: ...
    def count(self, gallery: str, /, *, filter: Filter | None = None, by_label: bool = False) -> CountResult: ...
    def upsert(self, gallery: str, items: Sequence[UpsertItem], /, *, request_id: str = "") -> WriteResult: ...
    def delete(
        self, gallery: str, item_ids: Sequence[str] = (), /, *, filter: Filter | None = None, request_id: str = ""
    ) -> WriteResult: ...


class GenerationCalls(Protocol):
    """What the contract suite asks of generations; the second part of an answer says what it is of."""

    def list(self, gallery: str, /) -> tuple[Sequence[GenerationInfo], object]: ...
    def compact(self, gallery: str, /) -> tuple[GenerationInfo, object]: ...
    def roll_back(self, gallery: str, /, *, expected: int | None = None) -> tuple[GenerationInfo, object]: ...


class Retriever(Protocol):
    """What the contract suite asks; `Engine` has it as it is."""

    @property
    def items(self) -> ItemCalls: ...
    @property
    def generations(self) -> GenerationCalls: ...
    def search(self, request: SearchRequest, /) -> SearchResult: ...
    def embed(self, images: Sequence[bytes], /) -> Sequence[Embedding]: ...
    def compare(self, first: bytes, second: bytes, /) -> Comparison: ...
    def list_galleries(self) -> Sequence[GalleryInfo]: ...
    def server_info(self) -> ServerInfo: ...


class OverGrpc:
    """The client's calls under the engine's names."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.items = ItemsOverGrpc(client)
        self.generations = GenerationsOverGrpc(client)

    def search(self, request: SearchRequest, /) -> SearchResult:
        return self.client.search(
            request.image if request.image is not None else request.vector,
            item_id=request.item_id,
            top_k=request.top_k,
            gallery=request.gallery,
            min_score=request.min_score,
            filter=request.filter,
            max_per_label=request.max_per_label,
            payload=request.fields.payload,
            vector=request.fields.vector,
            payload_keys=request.fields.payload_keys,
            thumbnail=request.fields.thumbnail,
            expected_model_fingerprint=request.expected_model_fingerprint,
            min_generation=request.min_generation,
            staged=request.staged,
        )

    def embed(self, images: Sequence[bytes], /) -> Sequence[Embedding]:
        return self.client.embed(images)

    def compare(self, first: bytes, second: bytes, /) -> Comparison:
        return self.client.compare(first, second)

    def list_galleries(self) -> Sequence[GalleryInfo]:
        return self.client.galleries()

    def server_info(self) -> ServerInfo:
        return self.client.info()


class ItemsOverGrpc:
    """The client's calls under the names of the engine's items."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def get(self, gallery: str, item_id: str, fields: FieldMask, /) -> ItemResult:
        return self.client.get_item(
            item_id, gallery=gallery, payload=fields.payload, vector=fields.vector, thumbnail=fields.thumbnail
        )

    def page(
        self,
        gallery: str,
        /,
        *,
        size: int = DEFAULT_PAGE_SIZE,
        token: str = "",
        filter: Filter | None = None,
        fields: FieldMask = PAYLOAD,
    ) -> ItemPage:
        return self.client.list_items(
            page_size=size,
            page_token=token,
            gallery=gallery,
            filter=filter,
            payload=fields.payload,
            vector=fields.vector,
            thumbnail=fields.thumbnail,
        )

    def count(self, gallery: str, /, *, filter: Filter | None = None, by_label: bool = False) -> CountResult:
        return self.client.count(gallery=gallery, filter=filter, by_label=by_label)

    def upsert(self, gallery: str, items: Sequence[UpsertItem], /, *, request_id: str = "") -> WriteResult:
        return self.client.upsert(items, gallery=gallery, request_id=request_id)

    def delete(
        self, gallery: str, item_ids: Sequence[str] = (), /, *, filter: Filter | None = None, request_id: str = ""
    ) -> WriteResult:
        return self.client.delete(item_ids, filter=filter, gallery=gallery, request_id=request_id)


class GenerationsOverGrpc:
    """The client's calls under the names of the engine's generations; the client does not keep what answers are of."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def list(self, gallery: str, /) -> tuple[Sequence[GenerationInfo], None]:
        return self.client.generations(gallery=gallery), None

    def compact(self, gallery: str, /) -> tuple[GenerationInfo, None]:
        return self.client.compact(gallery=gallery), None

    def roll_back(self, gallery: str, /, *, expected: int | None = None) -> tuple[GenerationInfo, None]:
        return self.client.roll_back(gallery=gallery, expected_generation=expected), None
