"""Requests and answers come back as they were."""

import numpy as np
import pytest

from smserve.errors import InvalidFilter, InvalidImage, InvalidInput, InvalidTopK
from smserve.filters import parse_filter
from smserve.types import Comparison, Embedding, FieldMask, Hit, ItemHead, SearchOutcome, SearchRequest, SearchResult
from smserve.v1 import retrieval_pb2
from smserve.wire.search import (
    comparison_from_proto,
    comparison_to_proto,
    embeddings_from_proto,
    embeddings_to_proto,
    outcomes_from_proto,
    outcomes_to_proto,
    refusal_to_proto,
    request_from_proto,
    request_to_proto,
    result_from_proto,
    result_to_proto,
)

VECTOR = np.array([0.6, 0.8], np.float32)


def test_a_full_request() -> None:
    request = SearchRequest(
        image=b"picture",
        gallery="birds",
        top_k=3,
        min_score=0.5,
        filter=parse_filter('label = "ä" and not exists(`b c`)'),
        max_per_label=2,
        fields=FieldMask(payload=False, vector=True, thumbnail=True, payload_keys=("a", "ö")),
        expected_model_fingerprint="abc",
        min_generation=2**62,
        staged=True,
    )
    back = request_from_proto(request_to_proto(request))
    for name in SearchRequest.__slots__:
        assert getattr(back, name) == getattr(request, name), name


def test_a_filter_that_can_not_be_read() -> None:
    with pytest.raises(InvalidFilter, match="at character") as caught:
        request_from_proto(retrieval_pb2.SearchRequest(filter="price <"))
    assert caught.value.field == "filter"


def test_an_empty_message_means_the_defaults() -> None:
    back = request_from_proto(retrieval_pb2.SearchRequest())
    for name in SearchRequest.__slots__:
        assert getattr(back, name) == getattr(SearchRequest(), name), name


def test_an_empty_picture_or_id_is_still_a_query() -> None:
    assert request_from_proto(request_to_proto(SearchRequest(image=b""))).image == b""
    assert request_from_proto(request_to_proto(SearchRequest(item_id=""))).item_id == ""


def test_top_k_zero_is_not_the_default() -> None:
    assert request_from_proto(request_to_proto(SearchRequest(item_id="a", top_k=0))).top_k == 0


@pytest.mark.parametrize("top_k", [-1, 2**32])
def test_a_top_k_that_the_wire_cannot_hold(top_k: int) -> None:
    with pytest.raises(InvalidTopK, match=f"top_k is {top_k}"):
        request_to_proto(SearchRequest(item_id="a", top_k=top_k))


@pytest.mark.parametrize("count", [-1, 2**32])
def test_a_max_per_label_that_the_wire_cannot_hold(count: int) -> None:
    with pytest.raises(InvalidInput, match=f"max_per_label is {count}"):
        request_to_proto(SearchRequest(item_id="a", max_per_label=count))


def test_a_result() -> None:
    result = SearchResult(
        hits=(
            Hit(ItemHead("a", "x", {"größe": [1, None]}), 0.5, None, VECTOR, b"jpeg" * 5000),
            Hit(ItemHead("b"), 0.25, 0.0),
            Hit(ItemHead("c" * 200), -0.5, 0.125),
        ),
        gallery="birds",
        generation=7,
        model_fingerprint="abc",
        exhausted=True,
    )
    back = result_from_proto(result_to_proto(result))
    assert back.exhausted
    assert (back.gallery, back.generation, back.model_fingerprint) == ("birds", 7, "abc")
    first, second, third = back.hits
    assert (first.item_id, first.score, first.label, first.thumbnail) == ("a", 0.5, "x", b"jpeg" * 5000)
    assert first.payload == {"größe": [1, None]}
    assert first.vector is not None
    assert first.vector.tolist() == VECTOR.tolist()
    assert first.probability is None
    assert second.probability == 0.0
    assert (second.payload, second.vector, second.thumbnail) == ({}, None, None)
    assert (third.item_id, third.score, third.probability) == ("c" * 200, -0.5, 0.125)


@pytest.mark.parametrize("generation", [-1, 2**63])
def test_a_min_generation_that_the_wire_cannot_hold(generation: int) -> None:
    with pytest.raises(InvalidInput, match=f"min_generation is {generation}"):
        request_to_proto(SearchRequest(item_id="a", min_generation=generation))


def test_the_outcomes_of_a_batch() -> None:
    result = SearchResult(hits=(), gallery="birds", generation=7, model_fingerprint="abc")
    outcomes = (SearchOutcome(result=result), SearchOutcome(error=InvalidTopK("top_k is 0"), sequence=1))
    message = outcomes_to_proto(outcomes, "def", "first", 3)
    good, bad = outcomes_from_proto(message)
    assert (good.sequence, bad.sequence) == (0, 1)
    assert good.result is not None
    assert (good.result.gallery, good.result.generation) == ("birds", 7)
    assert isinstance(bad.error, InvalidTopK)
    assert (message.origin.model_fingerprint, message.origin.gallery, message.origin.generation) == ("def", "first", 3)
    with pytest.raises(TypeError, match="wanted an SmserveError"):
        outcomes_to_proto([SearchOutcome()], "def")


def test_the_refusal_of_a_request_of_a_stream() -> None:
    message = refusal_to_proto(2**64 - 1, InvalidTopK("top_k is 0"))
    assert (message.sequence, message.error.reason, message.error.code) == (2**64 - 1, "INVALID_TOP_K", 3)


def test_embeddings_and_their_errors() -> None:
    message = embeddings_to_proto((Embedding(vector=VECTOR), Embedding(error=InvalidImage("bad"))), "abc")
    good, bad = embeddings_from_proto(message)
    assert good.vector is not None
    assert good.vector.tolist() == VECTOR.tolist()
    assert isinstance(bad.error, InvalidImage)
    assert message.origin.model_fingerprint == "abc"


def test_an_embedding_with_neither_vector_nor_error_is_a_bug() -> None:
    with pytest.raises(TypeError, match="wanted an SmserveError"):
        embeddings_to_proto((Embedding(),), "abc")


@pytest.mark.parametrize("probability", [None, 0.0, 0.75])
def test_a_comparison(probability: float | None) -> None:
    comparison = Comparison(score=0.5, probability=probability, model_fingerprint="abc")
    assert comparison_from_proto(comparison_to_proto(comparison)) == comparison
