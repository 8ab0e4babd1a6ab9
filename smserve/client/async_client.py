"""The asyncio client: every call takes and returns plain values, and raises `smserve.errors`, never `grpc.RpcError`."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Sequence
from typing import Unpack

from smserve.client.address import DEFAULT_ADDRESS, DEFAULT_TIMEOUT_S
from smserve.client.async_gallery_calls import AsyncGalleryCalls
from smserve.client.async_item_calls import AsyncItemCalls
from smserve.client.calls import retrieval as talks
from smserve.client.calls.searching import DEFAULT_TOP_K, SearchSettings, StreamedQuery
from smserve.client.calls.streams import SearchPlan
from smserve.client.picture import Picture
from smserve.client.query import Query
from smserve.client.tls import Tls
from smserve.filters import Filter
from smserve.types import Comparison, Embedding, SearchOutcome, SearchResult, ServerInfo

__all__ = ["AsyncClient"]


class AsyncClient(AsyncItemCalls, AsyncGalleryCalls):
    """Speaks to one server from one event loop, and never keeps it waiting; the methods are those of `Client`.

    async with AsyncClient("127.0.0.1:50051") as client:
        for hit in (await client.search("photo.jpg", top_k=5)).hits:
            print(hit.item_id, hit.label, hit.score)
    """

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        *,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        tls: Tls | None = None,
        api_key: str | None = None,
        insecure: bool = False,
    ) -> None:
        """Prepare a connection; it is made at the first call.

        Args:
            address: HOST:PORT, or another name that gRPC resolves: dns:///HOST:PORT, unix:PATH. Replicas get calls by
                turns: IP:PORT,IP:PORT, or dns:///NAME:PORT for all that the name leads to.
            timeout_s: Longest time that one call may take; a stream has no limit of its own.
            tls: How to encrypt the connection; None for plaintext.
            api_key: Sent with every call, where the server wants one.
            insecure: Send the key in plaintext to another machine, too.

        Raises:
            InvalidInput: The address is none, the time is not above 0, a file of `tls` can't be used, or everybody on
                the way could read the key.
        """
        super().__init__(address, timeout_s=timeout_s, tls=tls, api_key=api_key, insecure=insecure)

    async def search(
        self,
        query: Query | None = None,
        *,
        item_id: str | None = None,
        top_k: int = DEFAULT_TOP_K,
        gallery: str = "",
        min_score: float | None = None,
        filter: Filter | str | None = None,
        max_per_label: int | None = None,
        payload: bool = True,
        payload_keys: Sequence[str] = (),
        vector: bool = False,
        thumbnail: bool = False,
        expected_model_fingerprint: str = "",
        min_generation: int = 0,
        staged: bool = False,
    ) -> SearchResult:
        """As `Client.search`."""
        return await self._run(
            talks.search(
                query,
                item_id,
                top_k=top_k,
                gallery=gallery,
                min_score=min_score,
                filter=filter,
                max_per_label=max_per_label,
                payload=payload,
                payload_keys=payload_keys,
                vector=vector,
                thumbnail=thumbnail,
                expected_model_fingerprint=expected_model_fingerprint,
                min_generation=min_generation,
                staged=staged,
            )
        )

    async def batch_search(
        self, queries: Sequence[StreamedQuery], **settings: Unpack[SearchSettings]
    ) -> list[SearchOutcome]:
        """As `Client.batch_search`."""
        return await self._run(talks.batch_search(queries, **settings))

    def search_stream(
        self,
        queries: Iterable[StreamedQuery] | AsyncIterable[StreamedQuery],
        *,
        timeout_s: float | None = None,
        **settings: Unpack[SearchSettings],
    ) -> AsyncIterator[SearchOutcome]:
        """As `Client.search_stream`."""
        return self._stream(lambda _: SearchPlan(**settings), queries, timeout_s)

    async def embed(
        self,
        pictures: Sequence[Picture],
        *,
        gallery: str = "",
        expected_model_fingerprint: str = "",
        staged: bool = False,
    ) -> list[Embedding]:
        """As `Client.embed`."""
        return await self._run(
            talks.embed(pictures, gallery=gallery, expected_model_fingerprint=expected_model_fingerprint, staged=staged)
        )

    async def compare(
        self,
        first: Picture,
        second: Picture,
        *,
        gallery: str = "",
        expected_model_fingerprint: str = "",
        staged: bool = False,
    ) -> Comparison:
        """As `Client.compare`."""
        return await self._run(
            talks.compare(
                first, second, gallery=gallery, expected_model_fingerprint=expected_model_fingerprint, staged=staged
            )
        )

    async def info(self) -> ServerInfo:
        """As `Client.info`."""
        return await self._run(talks.info())
