"""How well a threshold on the score tells pictures of the gallery's classes from others: the out-of-gallery rate.

A query is accepted at a threshold when its nearest item scores at least that. Queries of known classes should be
accepted, those of unknown classes rejected.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smserve.client.answers import LabelledQuery, QueryFailure, answers, others
from smserve.client.client import Client
from smserve.errors import InvalidInput

__all__ = ["OutOfGalleryReport", "ThresholdRow", "measure_out_of_gallery"]

_STEPS: Final = 20  # thresholds, where none are given


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdRow:
    """What a threshold does.

    Attributes:
        threshold: Cosine.
        known_accepted: Share of the known queries whose nearest item reaches it.
        known_right: Share of the known queries that are accepted, and whose nearest item has their label.
        unknown_accepted: Share of the unknown queries that are accepted though nothing of theirs is there.
        unknown_rejected: Share of the unknown queries that are rejected.
    """

    threshold: float
    known_accepted: float
    known_right: float
    unknown_accepted: float
    unknown_rejected: float

    @property
    def balanced_accuracy(self) -> float:
        """Mean of the share of known queries accepted and of unknown ones rejected."""
        return (self.known_accepted + self.unknown_rejected) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfGalleryReport:
    """The outcome.

    Attributes:
        rows: By rising threshold.
        best: The threshold of the highest balanced accuracy, of all that the scores allow; not only those of `rows`.
        separation: Share of pairs of a known and an unknown query in which the known one scores higher; ties count
            half. 1 is perfect, 0.5 is chance (the area under the ROC curve).
        known: Answered queries of known classes.
        unknown: Answered queries of unknown ones.
        failures: Those without an answer; they are not counted.
    """

    rows: tuple[ThresholdRow, ...]
    best: ThresholdRow
    separation: float
    known: int
    unknown: int
    failures: tuple[QueryFailure, ...]


def measure_out_of_gallery(
    client: Client,
    known: Sequence[LabelledQuery],
    unknown: Sequence[LabelledQuery],
    *,
    gallery: str = "",
    thresholds: Sequence[float] = (),
    threads: int = 4,
    progress: Callable[[int], None] | None = None,
) -> OutOfGalleryReport:
    """Search with pictures of known and of unknown classes, and count what each threshold would accept.

    Args:
        client: A client of the server to judge.
        known: Pictures whose classes the gallery holds.
        unknown: Pictures whose classes it does not hold.
        gallery: Its name; empty means the server's first.
        thresholds: Cosines; by default 20 that spread over the scores that were seen.
        threads: Searches at the same time.
        progress: Called after each query with the number done so far, from this thread.

    Raises:
        InvalidInput: Of one kind there is no query, or none could be answered; or a threshold is no cosine.
        SmserveError: The server does not answer, or does not have the gallery.
    """
    if not all(-1 <= threshold <= 1 for threshold in thresholds):
        raise InvalidInput(
            f"thresholds are {', '.join(map(str, thresholds))}; wanted cosines, -1 to 1", field="thresholds"
        )
    failures: list[QueryFailure] = []
    scores: list[float] = []
    is_right: list[bool] = []
    is_known: list[bool] = []
    queries = [*known, *unknown]
    asked = answers(client, queries, top_k=1, gallery=gallery, threads=threads, progress=progress)
    for number, (query, outcome) in enumerate(asked):
        if isinstance(outcome, QueryFailure):
            failures.append(outcome)
            continue
        nearest = others(query, outcome)[:1]
        scores.append(nearest[0].score if nearest else -np.inf)  # an empty gallery accepts nothing
        is_right.append(bool(nearest) and nearest[0].label == query.label)
        is_known.append(number < len(known))
    of_known = np.array(is_known, np.bool_)
    known_scores, unknown_scores = np.array(scores)[of_known], np.array(scores)[~of_known]
    if not len(known_scores) or not len(unknown_scores):
        raise InvalidInput(
            f"the rate needs answered queries of both kinds; got {len(known_scores)} of known classes and "
            f"{len(unknown_scores)} of unknown ones",
            field="queries",
        )
    right_scores = known_scores[np.array(is_right)[of_known]]

    def row(threshold: float) -> ThresholdRow:
        accepted = float((unknown_scores >= threshold).mean())
        return ThresholdRow(
            threshold=float(threshold),
            known_accepted=float((known_scores >= threshold).mean()),
            known_right=float((right_scores >= threshold).sum() / len(known_scores)),
            unknown_accepted=accepted,
            unknown_rejected=1 - accepted,
        )

    seen = np.unique(np.concatenate([known_scores, unknown_scores]))
    seen = seen[np.isfinite(seen)]
    return OutOfGalleryReport(
        rows=tuple(row(threshold) for threshold in sorted(thresholds) or _spread(seen)),
        best=max(map(row, seen.tolist() or [1.0]), key=lambda each: each.balanced_accuracy),
        separation=_separation(known_scores, unknown_scores),
        known=len(known_scores),
        unknown=len(unknown_scores),
        failures=tuple(failures),
    )


def _spread(seen: NDArray[np.float64]) -> list[float]:
    """Return round thresholds over the range of the scores."""
    if not len(seen):
        return [0.0]
    low, high = np.floor(seen[0] * 100) / 100, np.ceil(seen[-1] * 100) / 100
    return [float(step) for step in np.unique(np.round(np.linspace(low, high, _STEPS + 1), 2))]


def _separation(known: NDArray[np.float64], unknown: NDArray[np.float64]) -> float:
    ordered = np.sort(unknown)
    below = np.searchsorted(ordered, known, side="left")
    ties = np.searchsorted(ordered, known, side="right") - below
    return float((below + ties / 2).sum() / (len(known) * len(unknown)))
