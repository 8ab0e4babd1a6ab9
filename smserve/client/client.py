"""The client: every call takes and returns plain values, and raises `smserve.errors`, never `grpc.RpcError`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Unpack

from smserve.client.address import DEFAULT_ADDRESS, DEFAULT_TIMEOUT_S
from smserve.client.calls import retrieval as talks
from smserve.client.calls.searching import DEFAULT_TOP_K, SearchSettings, StreamedQuery
from smserve.client.calls.streams import SearchPlan
from smserve.client.gallery_calls import GalleryCalls
from smserve.client.item_calls import ItemCalls
from smserve.client.picture import Picture
from smserve.client.query import Query
from smserve.client.tls import Tls
from smserve.filters import Filter
from smserve.types import Comparison, Embedding, SearchOutcome, SearchResult, ServerInfo

__all__ = ["Client"]


class Client(ItemCalls, GalleryCalls):
    """Speaks to one server; safe to share between threads. `AsyncClient` has the same methods for asyncio.

    with Client("127.0.0.1:50051") as client:
        for hit in client.search("photo.jpg", top_k=5).hits:
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

    def search(
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
        """Find the items nearest to a query; no hit is no error.

        Args:
            query: A path (`str` or `Path`), encoded bytes, a PIL image, an array (H, W, 3) uint8; or a vector, an
                array (D,) of floats; or `ItemId("...")`.
            item_id: An item of the gallery instead of a query; it is left out of its own answer.
            top_k: How many hits at most.
            gallery: Its name or alias; empty means the server's first.
            min_score: Leave out hits whose cosine is smaller.
            filter: Find only items that match, for example 'label = "apple" and price < 10'; see docs/filters.md.
            max_per_label: At most so many hits of one label, in favour of the next nearest of other labels.
            payload: Return the items' further columns.
            payload_keys: Of them only these; none given means all.
            vector: Return the items' vectors.
            thumbnail: Return the items' thumbnails, where stored.
            expected_model_fingerprint: When given, a gallery of another model raises ModelMismatch.
            min_generation: When given, an older generation of the gallery raises GenerationMismatch.
            staged: Ask the model that is staged beside the one in use; writes since it was staged are not found.

        Raises:
            InvalidInput: A value is wrong; `field` names it.
            NotFound: There is no such gallery or item.
            GenerationMismatch: With `staged`, and no model is.
            Unavailable: No server answers.
        """
        return self._run(
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

    def batch_search(self, queries: Sequence[StreamedQuery], **settings: Unpack[SearchSettings]) -> list[SearchOutcome]:
        """Answer many queries, in order; a bad one has `error` set instead of `result`.

        Any number of queries: they are sent in as few calls as they fit into.

        Args:
            queries: What `search` takes, or `SearchRequest`s, which bring settings of their own.
            **settings: As for `search`.

        Raises:
            Unavailable: No server answers.
        """
        return self._run(talks.batch_search(queries, **settings))

    def search_stream(
        self, queries: Iterable[StreamedQuery], *, timeout_s: float | None = None, **settings: Unpack[SearchSettings]
    ) -> Iterator[SearchOutcome]:
        """Answer queries as they come, in any order; `sequence` says which one an outcome belongs to, from 0.

        It reads on as fast as outcomes are taken: no more than the server's `max_stream_requests` are in between. A
        bad query has `error` set, and the stream goes on.

        Args:
            queries: As for `batch_search`; an iterator may be endless.
            timeout_s: Of the whole stream; None for no limit.
            **settings: As for `search`.

        Raises:
            Unavailable: The stream broke; servers end it after half an hour. Go on with what has no outcome yet.
        """
        return self._stream(lambda _: SearchPlan(**settings), queries, timeout_s)

    def embed(
        self,
        pictures: Sequence[Picture],
        *,
        gallery: str = "",
        expected_model_fingerprint: str = "",
        staged: bool = False,
    ) -> list[Embedding]:
        """Return the embedding of each picture, in order; a bad one has `error` set instead of `vector`.

        Any number of pictures: they are sent in as many calls as it takes, all to one model.

        Args:
            pictures: What `search` takes as pictures.
            gallery: Embed with its model; empty means the server's first gallery, or its model where it has none.
            expected_model_fingerprint: When given, another model raises ModelMismatch.
            staged: Embed with the gallery's staged model; as for `search`.

        Raises:
            ModelMismatch: Another model, or it was replaced between two of the calls; ask again.
            Unavailable: No server answers.
        """
        return self._run(
            talks.embed(pictures, gallery=gallery, expected_model_fingerprint=expected_model_fingerprint, staged=staged)
        )

    def compare(
        self,
        first: Picture,
        second: Picture,
        *,
        gallery: str = "",
        expected_model_fingerprint: str = "",
        staged: bool = False,
    ) -> Comparison:
        """Say how alike two pictures are.

        Args:
            first: What `search` takes as a picture.
            second: Another one.
            gallery: Judge with its model; empty means the server's first gallery, or its model where it has none.
            expected_model_fingerprint: When given, another model raises ModelMismatch.
            staged: Judge with the gallery's staged model; as for `search`.

        Raises:
            InvalidImage: One of them is no picture that the server accepts; `field` is "first" or "second".
            MessageTooLarge: Each would fit into a message, the two do not.
            Unavailable: No server answers.
        """
        return self._run(
            talks.compare(
                first, second, gallery=gallery, expected_model_fingerprint=expected_model_fingerprint, staged=staged
            )
        )

    def info(self) -> ServerInfo:
        """Describe the server's model, galleries and limits."""
        return self._run(talks.info())
