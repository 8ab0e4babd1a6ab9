"""From what a user searches with to a request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias, TypedDict, Unpack

from smserve.client.query import Query, read_filter, read_query
from smserve.config import SearchLimits
from smserve.errors import InvalidInput
from smserve.filters import Filter
from smserve.types import FieldMask, SearchRequest

__all__ = ["DEFAULT_TOP_K", "SearchSettings", "StreamedQuery", "search_request"]

DEFAULT_TOP_K: Final = SearchLimits().default_top_k

StreamedQuery: TypeAlias = "Query | SearchRequest"
"""A query that takes the settings of its call, or a request that brings its own."""


class SearchSettings(TypedDict, total=False):
    """The settings of a search, as `Client.search` explains them."""

    top_k: int
    gallery: str
    min_score: float | None
    filter: Filter | str | None
    max_per_label: int | None
    payload: bool
    payload_keys: Sequence[str]
    vector: bool
    thumbnail: bool
    expected_model_fingerprint: str
    min_generation: int
    staged: bool


def search_request(
    query: StreamedQuery | None, item_id: str | None = None, **settings: Unpack[SearchSettings]
) -> SearchRequest:
    """Return the request for a query.

    Raises:
        InvalidInput: Not exactly one query, or a filter that can't be read.
        InvalidImage: The picture can't be sent.
    """
    if isinstance(query, SearchRequest):
        if item_id is not None:
            raise InvalidInput("give either a request or item_id; got both", field="query")
        return query
    image, vector, query_item = read_query(query, item_id)
    return SearchRequest(
        image=image,
        vector=vector,
        item_id=query_item,
        gallery=settings.get("gallery", ""),
        top_k=settings.get("top_k", DEFAULT_TOP_K),
        min_score=settings.get("min_score"),
        filter=read_filter(settings.get("filter")),
        max_per_label=settings.get("max_per_label"),
        fields=FieldMask(
            payload=settings.get("payload", True),
            payload_keys=tuple(settings.get("payload_keys", ())),
            vector=settings.get("vector", False),
            thumbnail=settings.get("thumbnail", False),
        ),
        expected_model_fingerprint=settings.get("expected_model_fingerprint", ""),
        min_generation=settings.get("min_generation", 0),
        staged=settings.get("staged", False),
    )
