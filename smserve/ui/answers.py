"""What a search on the page found, in one gallery or in two side by side."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from smserve.client import Client
from smserve.types import SearchResult
from smserve.ui.question import Question

__all__ = ["Answer", "ask"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One gallery's.

    Attributes:
        result: What it found.
        milliseconds: How long that took, as the page sees it.
        elsewhere: Rank, from 1, that the other gallery gives to an item; empty where only one was searched.
    """

    result: SearchResult
    milliseconds: float
    elsewhere: dict[str, int]


def ask(client: Client, question: Question) -> list[Answer]:
    """Search, in both galleries at the same time where there are two.

    Raises:
        SmserveError: The server refuses, or is away.
    """
    names = [question.gallery]
    if question.other_gallery and question.other_gallery != question.gallery:
        names.append(question.other_gallery)
    with ThreadPoolExecutor(len(names)) as threads:
        found = list(threads.map(lambda name: _search(client, question, name), names))
    ranks = [{hit.item_id: rank for rank, hit in enumerate(result.hits, 1)} for result, _ in found]
    return [
        Answer(result=result, milliseconds=took, elsewhere=ranks[1 - place] if len(found) > 1 else {})
        for place, (result, took) in enumerate(found)
    ]


def _search(client: Client, question: Question, gallery: str) -> tuple[SearchResult, float]:
    started = time.perf_counter()
    result = client.search(
        question.query,
        top_k=question.top_k,
        gallery=gallery,
        min_score=question.min_score,
        filter=question.filter or None,
        thumbnail=True,
    )
    return result, (time.perf_counter() - started) * 1000
