"""What a search on the page found: one answer, or two side by side and what they have in common."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from smserve.client import Client
from smserve.errors import SmserveError
from smserve.types import SearchResult
from smserve.types.administration import ModelState
from smserve.ui.question import Question, Side

__all__ = ["Answer", "Answers", "Overlap", "ask"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One side's.

    Attributes:
        title: Its name, for people.
        result: What it found.
        staged: By a staged model.
        is_behind: That lacks what was written since it was staged.
        milliseconds: How long that took, as the page sees it.
        elsewhere: Rank, from 1, that the other side gives to an item; empty where there is none.
    """

    title: str
    result: SearchResult
    staged: bool
    is_behind: bool
    milliseconds: float
    elsewhere: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """What two answers have in common.

    Attributes:
        common: Items that both found.
        most: Items of the longer answer.
        same_first: The nearest item is the same.
    """

    common: int
    most: int
    same_first: bool

    @classmethod
    def of(cls, first: SearchResult, second: SearchResult) -> Overlap | None:
        """Return it; None where both are empty."""
        one, other = ([hit.item_id for hit in result.hits] for result in (first, second))
        if not one and not other:
            return None
        return cls(common=len({*one} & {*other}), most=max(len(one), len(other)), same_first=one[:1] == other[:1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """One, or two and what they have in common."""

    sides: list[Answer]
    overlap: Overlap | None


def ask(client: Client, question: Question) -> Answers:
    """Search, on both sides at the same time where there are two.

    Raises:
        SmserveError: The server refuses, or is away.
    """
    sides = [question.side] if question.other is None else [question.side, question.other]
    with ThreadPoolExecutor(len(sides)) as threads:
        found = list(threads.map(lambda side: _search(client, question, side), sides))
    ranks = [{hit.item_id: rank for rank, hit in enumerate(result.hits, 1)} for result, _ in found]
    answers = [
        Answer(
            title=_title(result.gallery, side, sides),
            result=result,
            staged=side.staged,
            is_behind=side.staged and _is_behind(client, result),
            milliseconds=took,
            elsewhere=ranks[1 - place] if len(found) > 1 else {},
        )
        for place, (side, (result, took)) in enumerate(zip(sides, found, strict=True))
    ]
    return Answers(sides=answers, overlap=Overlap.of(found[0][0], found[1][0]) if len(found) > 1 else None)


def _title(gallery: str, side: Side, sides: list[Side]) -> str:
    if not any(each.staged for each in sides):
        return gallery
    return f"{gallery}, {'staged model' if side.staged else 'model in use'}"


def _search(client: Client, question: Question, side: Side) -> tuple[SearchResult, float]:
    started = time.perf_counter()
    result = client.search(
        question.query,
        top_k=question.top_k,
        gallery=side.gallery,
        staged=side.staged,
        min_score=question.min_score,
        filter=question.filter or None,
        thumbnail=True,
    )
    return result, (time.perf_counter() - started) * 1000


def _is_behind(client: Client, result: SearchResult) -> bool:
    """Whether the staged model that answered lacks writes; False where the server does not tell."""
    try:
        models = client.models(gallery=result.gallery)
    except SmserveError:
        return False
    return any(
        each.model_fingerprint == result.model_fingerprint and each.state is ModelState.STAGING for each in models
    )
