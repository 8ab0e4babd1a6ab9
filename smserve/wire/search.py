"""Search, one or many, Embed and Compare."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from smserve.config import SearchLimits
from smserve.errors import InvalidInput, InvalidTopK, SmserveError
from smserve.types import Comparison, Embedding, SearchOutcome, SearchRequest, SearchResult
from smserve.v1 import retrieval_pb2
from smserve.wire.filters import filter_from_proto, filter_to_proto
from smserve.wire.hits import hit_from_proto, hits_to_bytes
from smserve.wire.origin import fields_from_proto, fields_to_proto, origin_to_proto
from smserve.wire.status import item_error_from_proto, item_error_to_proto
from smserve.wire.vectors import vector_from_proto, vector_to_proto

__all__ = [
    "comparison_from_proto",
    "comparison_to_proto",
    "embeddings_from_proto",
    "embeddings_to_proto",
    "outcome_to_proto",
    "outcomes_from_proto",
    "outcomes_to_proto",
    "refusal_to_proto",
    "request_from_proto",
    "request_to_proto",
    "result_from_proto",
    "result_to_proto",
]

_MAX_UINT32: Final = 2**32 - 1
_MAX_INT64: Final = 2**63 - 1
_DEFAULT_TOP_K: Final = SearchLimits().default_top_k


def request_to_proto(request: SearchRequest) -> retrieval_pb2.SearchRequest:
    """Convert a search.

    Raises:
        InvalidInput: `top_k`, `max_per_label` or `min_generation` can't even be written down on the wire.
    """
    if not 0 <= request.top_k <= _MAX_UINT32:
        raise InvalidTopK(f"top_k is {request.top_k}; wanted at least 1", field="top_k")
    if not 0 <= (request.max_per_label or 0) <= _MAX_UINT32:
        raise InvalidInput(f"max_per_label is {request.max_per_label}; wanted at least 1", field="max_per_label")
    if not 0 <= request.min_generation <= _MAX_INT64:
        raise InvalidInput(
            f"min_generation is {request.min_generation}; wanted a generation, or 0 for any", field="min_generation"
        )
    message = retrieval_pb2.SearchRequest(
        gallery=request.gallery,
        vector=None if request.vector is None else vector_to_proto(request.vector),
        top_k=request.top_k,
        min_score=request.min_score,
        fields=fields_to_proto(request.fields),
        expected_model_fingerprint=request.expected_model_fingerprint,
        filter=filter_to_proto(request.filter),
        max_per_label=request.max_per_label,
        min_generation=request.min_generation,
        staged=request.staged,
    )
    if request.image is not None:
        message.image = request.image
    if request.item_id is not None:
        message.item_id = request.item_id
    return message


def request_from_proto(message: retrieval_pb2.SearchRequest) -> SearchRequest:
    """Convert a search.

    Raises:
        InvalidVector: As `vector_from_proto`.
        InvalidFilter: Its filter can't be read.
    """
    query = message.WhichOneof("query")
    return SearchRequest(
        image=message.image if query == "image" else None,
        vector=vector_from_proto(message.vector) if query == "vector" else None,
        item_id=message.item_id if query == "item_id" else None,
        gallery=message.gallery,
        top_k=message.top_k if message.HasField("top_k") else _DEFAULT_TOP_K,
        min_score=message.min_score if message.HasField("min_score") else None,
        filter=filter_from_proto(message.filter),
        max_per_label=message.max_per_label if message.HasField("max_per_label") else None,
        fields=fields_from_proto(message.fields, given=message.HasField("fields")),
        expected_model_fingerprint=message.expected_model_fingerprint,
        min_generation=message.min_generation,
        staged=message.staged,
    )


def result_to_proto(result: SearchResult) -> retrieval_pb2.SearchResponse:
    """Convert an answer."""
    rest = _rest_of_answer(result.model_fingerprint, result.gallery, result.generation, exhausted=result.exhausted)
    return retrieval_pb2.SearchResponse.FromString(hits_to_bytes(result.hits) + rest)


@lru_cache(maxsize=64)
def _rest_of_answer(model_fingerprint: str, gallery: str, generation: int, *, exhausted: bool) -> bytes:
    """Return an encoded answer without its hits, which many searches share."""
    origin = origin_to_proto(model_fingerprint, gallery, generation)
    return retrieval_pb2.SearchResponse(origin=origin, exhausted=exhausted).SerializeToString()


def result_from_proto(message: retrieval_pb2.SearchResponse) -> SearchResult:
    """Convert an answer."""
    return SearchResult(
        hits=tuple(map(hit_from_proto, message.hits)),
        gallery=message.origin.gallery,
        generation=message.origin.generation,
        model_fingerprint=message.origin.model_fingerprint,
        exhausted=message.exhausted,
    )


def outcome_to_proto(outcome: SearchOutcome) -> retrieval_pb2.BatchSearchResult:
    """Convert what became of one query of many."""
    if outcome.result is not None:
        return retrieval_pb2.BatchSearchResult(response=result_to_proto(outcome.result))
    if not isinstance(outcome.error, SmserveError):
        raise TypeError(f"a query without an answer has the error {outcome.error!r}; wanted an SmserveError")
    return retrieval_pb2.BatchSearchResult(error=item_error_to_proto(outcome.error))


def outcomes_to_proto(
    outcomes: Iterable[SearchOutcome], model_fingerprint: str, gallery: str = "", generation: int = 0
) -> retrieval_pb2.BatchSearchResponse:
    """Convert the outcomes of a batch; model, gallery and generation are the default ones."""
    return retrieval_pb2.BatchSearchResponse(
        results=map(outcome_to_proto, outcomes), origin=origin_to_proto(model_fingerprint, gallery, generation)
    )


def outcomes_from_proto(message: retrieval_pb2.BatchSearchResponse) -> tuple[SearchOutcome, ...]:
    """Convert the outcomes of a batch."""
    return tuple(
        SearchOutcome(result=result_from_proto(result.response), sequence=number)
        if result.WhichOneof("outcome") == "response"
        else SearchOutcome(error=item_error_from_proto(result.error), sequence=number)
        for number, result in enumerate(message.results)
    )


def refusal_to_proto(sequence: int, error: SmserveError) -> retrieval_pb2.SearchStreamResponse:
    """Tell a request of a stream why it has no answer."""
    return retrieval_pb2.SearchStreamResponse(sequence=sequence, error=item_error_to_proto(error))


def _embedding_to_proto(embedding: Embedding) -> retrieval_pb2.EmbedResult:
    if embedding.vector is not None:
        return retrieval_pb2.EmbedResult(vector=vector_to_proto(embedding.vector))
    if not isinstance(embedding.error, SmserveError):
        raise TypeError(f"an embedding without a vector has the error {embedding.error!r}; wanted an SmserveError")
    return retrieval_pb2.EmbedResult(error=item_error_to_proto(embedding.error))


def embeddings_to_proto(embeddings: tuple[Embedding, ...], model_fingerprint: str) -> retrieval_pb2.EmbedResponse:
    """Convert the outcomes of a batch; `model_fingerprint` is told where no picture could be embedded."""
    asked = next((each.model_fingerprint for each in embeddings if each.model_fingerprint), model_fingerprint)
    return retrieval_pb2.EmbedResponse(results=map(_embedding_to_proto, embeddings), origin=origin_to_proto(asked))


def embeddings_from_proto(message: retrieval_pb2.EmbedResponse) -> tuple[Embedding, ...]:
    """Convert the outcomes of a batch."""
    return tuple(
        Embedding(vector=vector_from_proto(result.vector), model_fingerprint=message.origin.model_fingerprint)
        if result.WhichOneof("outcome") == "vector"
        else Embedding(error=item_error_from_proto(result.error))
        for result in message.results
    )


def comparison_to_proto(comparison: Comparison) -> retrieval_pb2.CompareResponse:
    """Convert a comparison."""
    return retrieval_pb2.CompareResponse(
        score=comparison.score,
        probability=comparison.probability,
        origin=origin_to_proto(comparison.model_fingerprint),
    )


def comparison_from_proto(message: retrieval_pb2.CompareResponse) -> Comparison:
    """Convert a comparison."""
    return Comparison(
        score=message.score,
        probability=message.probability if message.HasField("probability") else None,
        model_fingerprint=message.origin.model_fingerprint,
    )
