"""From a query to its hits."""

from typing import Final

import numpy as np

from smserve.config import SearchLimits
from smserve.engine.galleries import Galleries
from smserve.engine.interest import StillWanted, always_wanted
from smserve.engine.query import query_vector
from smserve.engine.question import Question, check_pins, result_of
from smserve.engine.staged import StagedGalleries
from smserve.engine.stages import Stages
from smserve.engine.validation import check_search
from smserve.types import SearchRequest, SearchResult

__all__ = ["Searches"]


class Searches:
    """Answers searches; safe to use from many threads."""

    def __init__(self, galleries: Galleries, staged: StagedGalleries, limits: SearchLimits, stages: Stages) -> None:
        self._galleries: Final = galleries
        self._staged: Final = staged
        self._limits: Final = limits
        self._stages: Final = stages

    def search(self, request: SearchRequest, still_wanted: StillWanted = always_wanted) -> SearchResult:
        """Find the items nearest to the query; no hit is no error.

        Raises:
            InvalidInput: A value of the request is wrong; the error names its field.
            GalleryNotFound: No such gallery is served.
            ItemNotFound: The query's item is not in the gallery.
            ModelMismatch: The caller pinned another model.
            GenerationMismatch: The gallery is at an older generation than the caller wants, or has no staged model to
                search with.
        """
        check_search(request, self._limits)
        lease = self._staged.lease if request.staged else self._galleries.lease
        with lease(request.gallery) as served:
            check_pins(request, served)
            model = served.model
            vector = query_vector(request, served.reader, model.pictures, model.dimension, still_wanted)  # (D,)
            neighbours = Question.of(request).ask(served.reader, vector[np.newaxis], self._stages, still_wanted)
            return result_of(request, served, neighbours, 0)
