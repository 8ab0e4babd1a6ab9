"""Labelled Recall@K through the served path: what a user of the service gets, decoder, network and index included."""

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from smserve.client.client import Client
from smserve.errors import InvalidInput
from smserve.types import SearchResult

__all__ = ["LabelledQuery", "QueryFailure", "RecallReport", "evaluate_recall"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledQuery:
    """A picture whose class is known.

    Attributes:
        path: The picture.
        label: Its class, as the gallery spells it.
        item_id: Its own id where the gallery holds it too: that hit does not count. None where it does not.
    """

    path: Path
    label: str
    item_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryFailure:
    """A query that got no answer, and why."""

    path: Path
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallReport:
    """The outcome.

    Attributes:
        recall: K -> share, in [0, 1], of the answered queries with an item of their class among the K nearest.
        queries: Answered queries.
        failures: Those without an answer; they are not counted in `recall`.
        model_fingerprint: The model that answered.
        gallery: The gallery searched.
        generation: Its generation.
    """

    recall: Mapping[int, float]
    queries: int
    failures: tuple[QueryFailure, ...]
    model_fingerprint: str
    gallery: str
    generation: int


def evaluate_recall(
    client: Client,
    queries: Sequence[LabelledQuery],
    *,
    gallery: str = "",
    ks: Sequence[int] = (1, 2, 4, 8),
    threads: int = 4,
    progress: Callable[[int], None] | None = None,
) -> RecallReport:
    """Search with every query's picture and count the labels of the nearest items.

    Args:
        client: A client of the server to judge.
        queries: At least one.
        gallery: Its name; empty means the server's first.
        ks: The values of K.
        threads: Searches at the same time.
        progress: Called after each query with the number done so far, from this thread.

    Raises:
        InvalidInput: No query, no K, or no query could be answered.
        SmserveError: The server does not answer, or does not have the gallery.
    """
    if not queries or not ks or min(ks) < 1:
        raise InvalidInput(
            f"recall needs queries and values of K of at least 1; got {len(queries)} queries and K in {tuple(ks)}",
            field="queries",
        )
    most = max(ks)

    def ask(query: LabelledQuery) -> SearchResult | QueryFailure:
        try:
            return client.search(query.path, top_k=most + 1, gallery=gallery, payload=False)
        except InvalidInput as error:
            return QueryFailure(path=query.path, message=error.message)

    right = dict.fromkeys(ks, 0)
    failures = []
    answer = None
    with ThreadPoolExecutor(threads) as pool:
        for number, (query, outcome) in enumerate(zip(queries, pool.map(ask, queries), strict=True), 1):
            if isinstance(outcome, QueryFailure):
                failures.append(outcome)
            else:
                answer = outcome
                rank = _first_right(query, outcome)
                for k in ks:
                    right[k] += rank <= k
            if progress is not None:
                progress(number)
    answered = len(queries) - len(failures)
    if answer is None:
        raise InvalidInput(
            f"none of {len(queries)} queries could be answered; the first: {failures[0].path}: {failures[0].message}",
            field="queries",
        )
    return RecallReport(
        recall={k: count / answered for k, count in right.items()},
        queries=answered,
        failures=tuple(failures),
        model_fingerprint=answer.model_fingerprint,
        gallery=answer.gallery,
        generation=answer.generation,
    )


def _first_right(query: LabelledQuery, result: SearchResult) -> float:
    """Return the rank, from 1, of the nearest other item of the query's class; infinity for none."""
    others = (hit for hit in result.hits if hit.item_id != query.item_id)
    return next((rank for rank, hit in enumerate(others, 1) if hit.label == query.label), math.inf)
