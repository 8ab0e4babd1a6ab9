"""Many searches at once: pictures are embedded in batches, and what is asked alike is searched together."""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smserve.config import MAX_IMAGES_PER_CALL, MAX_QUERIES_PER_CALL, SearchLimits
from smserve.engine.galleries import Galleries
from smserve.engine.interest import StillWanted, always_wanted
from smserve.engine.models import Model
from smserve.engine.query import query_vector
from smserve.engine.question import Question, check_pins, result_of
from smserve.engine.served import ServedGallery
from smserve.engine.staged import StagedGalleries
from smserve.engine.stages import Stages
from smserve.engine.validation import check_queries, check_search
from smserve.errors import Cancelled, DeadlineExceeded, SmserveError
from smserve.types import FloatArray, SearchOutcome, SearchRequest, SearchResult

__all__ = ["BatchSearches"]


class BatchSearches:
    """Answers batches; safe to use from many threads."""

    def __init__(self, galleries: Galleries, staged: StagedGalleries, limits: SearchLimits, stages: Stages) -> None:
        self._galleries: Final = galleries
        self._staged: Final = staged
        self._limits: Final = limits
        self._stages: Final = stages

    def search(
        self, requests: Sequence[SearchRequest | SmserveError], still_wanted: StillWanted = always_wanted
    ) -> tuple[SearchOutcome, ...]:
        """Answer each request as `Searches.search` would, or say why there is no answer to it.

        All see one state of each gallery's model; a gallery may be written to between its groups.

        Args:
            requests: An error stands for one that could not be read, and is its outcome.
            still_wanted: Called before each step; what it raises ends the batch.

        Raises:
            InvalidInput: No query, or too many.
        """
        check_queries(
            len(requests),
            sum(isinstance(request, SearchRequest) and request.image is not None for request in requests),
            most=MAX_QUERIES_PER_CALL,
            most_images=MAX_IMAGES_PER_CALL,
        )
        with ExitStack() as leases:
            batch = _Batch(requests, still_wanted)
            batch.serve(self._galleries, self._staged, self._limits, leases)
            batch.embed()
            batch.ask(self._stages)
            return batch.outcomes()


class _Batch:
    """One batch on its way; lists and dictionaries are by the query's number."""

    def __init__(self, requests: Sequence[SearchRequest | SmserveError], still_wanted: StillWanted) -> None:
        self._still_wanted: Final = still_wanted
        self._requests: Final[dict[int, SearchRequest]] = {}
        self._errors: Final[dict[int, SmserveError]] = {}
        self._results: Final[dict[int, SearchResult]] = {}
        self._served: Final[dict[int, ServedGallery]] = {}
        self._vectors: Final[dict[int, FloatArray]] = {}
        for number, request in enumerate(requests):
            if isinstance(request, SearchRequest):
                self._requests[number] = request
            else:
                self._errors[number] = request

    def serve(self, galleries: Galleries, staged: StagedGalleries, limits: SearchLimits, leases: ExitStack) -> None:
        """Check each query, and lease its gallery: once, for all that name it."""
        leased: dict[tuple[str, bool], ServedGallery] = {}
        for number, request in self._requests.items():
            try:
                check_search(request, limits)
                asked = request.gallery, request.staged
                if asked not in leased:
                    lease = staged.lease if request.staged else galleries.lease
                    leased[asked] = leases.enter_context(lease(request.gallery))
                check_pins(request, leased[asked])
                self._served[number] = leased[asked]
            except SmserveError as error:
                self._errors[number] = error.as_outcome()

    def embed(self) -> None:
        """Find the vectors; pictures of one model are embedded together."""
        pictures: defaultdict[Model, list[tuple[int, NDArray[np.uint8]]]] = defaultdict(list)
        for number, served in self._served.items():
            request, model = self._requests[number], served.model
            try:
                if request.image is None:
                    self._vectors[number] = query_vector(
                        request, served.reader, model.pictures, model.dimension, self._still_wanted
                    )
                else:
                    prepared = model.pictures.prepare(request.image, "image", self._still_wanted)
                    pictures[model].append((number, prepared))
            except (DeadlineExceeded, Cancelled):
                raise
            except SmserveError as error:
                self._errors[number] = error.as_outcome()
        for model, of_model in pictures.items():
            vectors = model.pictures.embed([prepared for _, prepared in of_model], self._still_wanted)
            for (number, _), vector in zip(of_model, vectors, strict=True):
                self._vectors[number] = np.asarray(vector, np.float32)

    def ask(self, stages: Stages) -> None:
        """Ask the galleries; a group's failure is the outcome of each of its queries."""
        groups: defaultdict[tuple[ServedGallery, Question], list[int]] = defaultdict(list)
        for number in self._vectors:
            groups[self._served[number], Question.of(self._requests[number])].append(number)
        for (served, question), numbers in groups.items():
            vectors = np.stack([self._vectors[number] for number in numbers])
            try:
                neighbours = question.ask(served.reader, vectors, stages, self._still_wanted)
            except (DeadlineExceeded, Cancelled):
                raise
            except SmserveError as error:
                self._errors.update(dict.fromkeys(numbers, error.as_outcome()))
                continue
            for place, number in enumerate(numbers):
                try:
                    self._results[number] = result_of(self._requests[number], served, neighbours, place)
                except SmserveError as error:
                    self._errors[number] = error.as_outcome()

    def outcomes(self) -> tuple[SearchOutcome, ...]:
        """Return what became of each."""
        count = len(self._errors) + len(self._results)
        return tuple(
            SearchOutcome(sequence=number, error=self._errors[number])
            if number in self._errors
            else SearchOutcome(sequence=number, result=self._results[number])
            for number in range(count)
        )
