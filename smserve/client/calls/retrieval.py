"""Search, embed, compare, and what runs at the other end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Unpack

from google.protobuf.message import Message

from smserve.client.calls.searching import SearchSettings, StreamedQuery, search_request
from smserve.client.chunks import chunked
from smserve.client.limits import Limits
from smserve.client.picture import Picture, encode_picture
from smserve.client.query import Query
from smserve.client.talk import LIMITS_WANTED, RETRIEVAL, Call, Talk
from smserve.errors import InvalidImage, InvalidInput, MessageTooLarge
from smserve.types import Comparison, Embedding, SearchOutcome, SearchResult, ServerInfo
from smserve.v1 import retrieval_pb2
from smserve.wire.info import info_from_proto
from smserve.wire.search import comparison_from_proto, embeddings_from_proto, request_to_proto, result_from_proto
from smserve.wire.status import item_error_from_proto

__all__ = ["batch_search", "compare", "embed", "info", "search", "search_outcome"]


def search(query: Query | None, item_id: str | None, **settings: Unpack[SearchSettings]) -> Talk[SearchResult]:
    """`Client.search`."""
    request = search_request(query, item_id, **settings)
    return result_from_proto((yield _call("Search", request_to_proto(request))))


def batch_search(queries: Sequence[StreamedQuery], **settings: Unpack[SearchSettings]) -> Talk[list[SearchOutcome]]:
    """`Client.batch_search`."""
    limits: Limits = yield LIMITS_WANTED
    outcomes: dict[int, SearchOutcome] = {}
    for chunk in chunked(_queries(queries, settings, outcomes), limits, most=limits.max_queries):
        todo = [chunk]
        while todo:
            numbers = [number for number, _ in todo[-1]]
            request = retrieval_pb2.BatchSearchRequest(requests=[message for _, message in todo[-1]])
            try:
                response = yield _call("BatchSearch", request)
            except MessageTooLarge:
                if len(numbers) == 1:
                    raise
                whole = todo.pop()  # its answer does not fit into a message; halves of it may
                todo += [whole[len(whole) // 2 :], whole[: len(whole) // 2]]
                continue
            todo.pop()
            for number, result in zip(numbers, response.results, strict=True):
                outcomes[number] = search_outcome(number, result)
    return [outcomes[number] for number in range(len(queries))]


def search_outcome(
    sequence: int, message: retrieval_pb2.BatchSearchResult | retrieval_pb2.SearchStreamResponse
) -> SearchOutcome:
    """Read the outcome of the query of that number."""
    if message.WhichOneof("outcome") == "response":
        return SearchOutcome(sequence=sequence, result=result_from_proto(message.response))
    return SearchOutcome(sequence=sequence, error=item_error_from_proto(message.error))


def embed(
    pictures: Sequence[Picture], *, gallery: str, expected_model_fingerprint: str, staged: bool
) -> Talk[list[Embedding]]:
    """`Client.embed`."""
    limits: Limits = yield LIMITS_WANTED
    outcomes: dict[int, Embedding] = {}
    expected = expected_model_fingerprint

    for chunk in chunked(_pictures(pictures, outcomes), limits, most=limits.max_images):
        request = retrieval_pb2.EmbedRequest(
            images=[image for _, image in chunk],
            gallery=gallery,
            expected_model_fingerprint=expected,
            staged=staged,
        )
        response = yield _call("Embed", request)
        expected = response.origin.model_fingerprint
        for (number, _), embedding in zip(chunk, embeddings_from_proto(response), strict=True):
            outcomes[number] = embedding
    return [outcomes[number] for number in range(len(pictures))]


def compare(
    first: Picture, second: Picture, *, gallery: str, expected_model_fingerprint: str, staged: bool
) -> Talk[Comparison]:
    """`Client.compare`."""
    request = retrieval_pb2.CompareRequest(
        first=encode_picture(first, "first"),
        second=encode_picture(second, "second"),
        gallery=gallery,
        expected_model_fingerprint=expected_model_fingerprint,
        staged=staged,
    )
    return comparison_from_proto((yield _call("Compare", request)))


def info() -> Talk[ServerInfo]:
    """`Client.info`."""
    return info_from_proto((yield _call("GetServerInfo", retrieval_pb2.GetServerInfoRequest())))


def _call(method: str, request: Message) -> Call:
    return Call(service=RETRIEVAL, method=method, request=request)


def _queries(
    queries: Sequence[StreamedQuery], settings: SearchSettings, outcomes: dict[int, SearchOutcome]
) -> Iterator[tuple[tuple[int, retrieval_pb2.SearchRequest], int, bool]]:
    """Yield each query's number and message, as `chunked` takes them; what can't be sent is an outcome already."""
    for number, query in enumerate(queries):
        try:
            message = request_to_proto(search_request(query, **settings))
        except InvalidInput as error:
            outcomes[number] = SearchOutcome(sequence=number, error=error)
        else:
            yield (number, message), message.ByteSize(), message.HasField("image")


def _pictures(
    pictures: Sequence[Picture], outcomes: dict[int, Embedding]
) -> Iterator[tuple[tuple[int, bytes], int, bool]]:
    """Yield each picture's number and bytes, as `chunked` takes them; what can't be sent is an outcome already."""
    for number, picture in enumerate(pictures):
        try:
            image = encode_picture(picture, f"images[{number}]")
        except InvalidImage as error:
            outcomes[number] = Embedding(error=error)
        else:
            yield (number, image), len(image), True
