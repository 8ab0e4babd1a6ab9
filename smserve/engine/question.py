"""What a gallery is asked for a search, and what its answer means to the one who searched."""

import math
from dataclasses import dataclass

from smserve.engine.interest import StillWanted
from smserve.engine.items import condition_of
from smserve.engine.models import Model
from smserve.engine.served import ServedGallery
from smserve.engine.stages import Stage, Stages
from smserve.errors import GenerationMismatch
from smserve.gallery.condition import Condition
from smserve.gallery.interface import GalleryReader
from smserve.gallery.values import Neighbours, PerLabel
from smserve.types import FieldMask, FloatArray, Hit, SearchRequest, SearchResult

__all__ = ["Question", "check_pins", "result_of"]

_SAME_SCORE = 1e-5  # an index computes a score in another order of additions than we do; see `Hit.score`


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """All of a search but its vector; equal ones are asked together.

    Attributes:
        wanted: Neighbours that the gallery is asked for.
        fields: Parts of the items.
        condition: What may be found; None means all.
        per_label: How many of one label.
    """

    wanted: int
    fields: FieldMask
    condition: Condition | None
    per_label: PerLabel | None

    @classmethod
    def of(cls, request: SearchRequest) -> "Question":
        """Return what a checked request asks.

        One more than is wanted shows whether there are more that pass `min_score`, or are not too many of their label.
        """
        own = request.item_id
        limited = request.min_score is not None or request.max_per_label is not None
        return cls(
            wanted=request.top_k + (own is not None) + limited,
            fields=request.fields,
            condition=condition_of(request.filter),
            per_label=None
            if request.max_per_label is None
            else PerLabel(most=request.max_per_label, uncounted=own or ""),
        )

    def ask(self, reader: GalleryReader, vectors: FloatArray, stages: Stages, still_wanted: StillWanted) -> Neighbours:
        """Find the neighbours of queries (Q, D), while somebody wants them."""
        with stages.step(Stage.SEARCH, still_wanted, size=len(vectors)) as step:
            neighbours = reader.search(vectors, self.wanted, self.fields, self.condition, self.per_label)
            step.leave_out(neighbours.rows_s)
        stages.passed(Stage.PAYLOAD, neighbours.rows_s)
        return neighbours


def check_pins(request: SearchRequest, served: ServedGallery) -> None:
    """Check that model and generation are what the caller expects, before anything is computed.

    Raises:
        ModelMismatch: The caller pinned another model.
        GenerationMismatch: The gallery is at an older generation.
    """
    served.model.check_pin(request.expected_model_fingerprint)
    if request.min_generation > 0:
        _check_generation(request, served.name, served.generation())


def result_of(request: SearchRequest, served: ServedGallery, neighbours: Neighbours, number: int) -> SearchResult:
    """Return the answer to a request, from the neighbours of the query of that number.

    Raises:
        GenerationMismatch: An older generation was searched.
    """
    _check_generation(request, served.name, neighbours.generation)
    hits = list(neighbours.hits[number])
    if request.item_id is not None:
        hits = [hit for hit in hits if hit.item_id != request.item_id]
    complete_above = neighbours.complete_above[number] if neighbours.complete_above else math.inf
    is_complete = complete_above == -math.inf
    if request.min_score is not None:
        hits = [hit for hit in hits if hit.score >= request.min_score]
        is_complete = is_complete or complete_above < request.min_score - _SAME_SCORE
    return SearchResult(
        hits=_with_probabilities(hits[: request.top_k], served.model),
        gallery=served.name,
        generation=neighbours.generation,
        model_fingerprint=served.model.fingerprint,
        exhausted=is_complete and len(hits) <= request.top_k,
    )


def _with_probabilities(hits: list[Hit], model: Model) -> tuple[Hit, ...]:
    probabilities = model.probability([hit.score for hit in hits])
    if probabilities is None:
        return tuple(hits)
    for hit, probability in zip(hits, probabilities.tolist(), strict=True):
        hit.probability = probability
    return tuple(hits)


def _check_generation(request: SearchRequest, gallery: str, generation: int) -> None:
    if generation < request.min_generation:
        raise GenerationMismatch(
            f"gallery {gallery!r} is at generation {generation}, the caller wants {request.min_generation} or newer; "
            f"ask again once it is swapped in, or want less"
        )
