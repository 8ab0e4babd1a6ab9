"""Labelled Recall@K through the served path: what a user of the service gets, decoder, network and index included."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from smserve.client.answers import LabelledQuery, QueryFailure, answers, others
from smserve.client.client import Client
from smserve.errors import InvalidInput
from smserve.types import Hit

__all__ = ["ClassRecall", "LabelledQuery", "QueryFailure", "RecallReport", "evaluate_recall"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRecall:
    """What one class's queries found.

    Attributes:
        label: The class.
        queries: Answered queries of it.
        recall: K -> share of them with an item of their class among the K nearest.
        confused_with: The label that its queries' nearest item has most often where it is not theirs; empty for none.
    """

    label: str
    queries: int
    recall: Mapping[int, float]
    confused_with: str


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
        by_class: Of each class in the queries: the worst first, by the smallest K.
        class_mean: K -> mean of the classes' recalls: each class counts alike, however many queries it has.
    """

    recall: Mapping[int, float]
    queries: int
    failures: tuple[QueryFailure, ...]
    model_fingerprint: str
    gallery: str
    generation: int
    by_class: tuple[ClassRecall, ...] = ()
    class_mean: Mapping[int, float] = field(default_factory=dict)


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
    ranks: dict[str, list[float]] = {}  # by label
    wrong: dict[str, Counter[str]] = {}
    failures = []
    answer = None
    asked = answers(client, queries, top_k=most, gallery=gallery, threads=threads, progress=progress)
    for query, outcome in asked:
        if isinstance(outcome, QueryFailure):
            failures.append(outcome)
            continue
        answer = outcome
        hits = others(query, outcome)
        ranks.setdefault(query.label, []).append(_first_right(query.label, hits))
        if hits and hits[0].label != query.label:
            wrong.setdefault(query.label, Counter())[hits[0].label] += 1
    if answer is None:
        raise InvalidInput(
            f"none of {len(queries)} queries could be answered; the first: {failures[0].path}: {failures[0].message}",
            field="queries",
        )
    every = [rank for of_class in ranks.values() for rank in of_class]
    by_class = [
        ClassRecall(
            label=label,
            queries=len(of_class),
            recall=_recall(of_class, ks),
            confused_with=_most_common(wrong.get(label, Counter())),
        )
        for label, of_class in ranks.items()
    ]
    return RecallReport(
        recall=_recall(every, ks),
        queries=len(every),
        failures=tuple(failures),
        model_fingerprint=answer.model_fingerprint,
        gallery=answer.gallery,
        generation=answer.generation,
        by_class=tuple(sorted(by_class, key=lambda each: (each.recall[min(ks)], each.label))),
        class_mean={k: sum(each.recall[k] for each in by_class) / len(by_class) for k in ks},
    )


def _recall(ranks: Sequence[float], ks: Sequence[int]) -> dict[int, float]:
    return {k: sum(rank <= k for rank in ranks) / len(ranks) for k in ks}


def _first_right(label: str, hits: Sequence[Hit]) -> float:
    """Return the rank, from 1, of the nearest item of the query's class; infinity for none."""
    return next((rank for rank, hit in enumerate(hits, 1) if hit.label == label), math.inf)


def _most_common(labels: Counter[str]) -> str:
    return min(labels, key=lambda label: (-labels[label], label), default="")
