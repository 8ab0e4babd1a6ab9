"""The engine: one model, its galleries, and the questions that they answer together."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np

from smserve.config import (
    DECODED_BYTES_IN_FLIGHT,
    MAX_IMAGES_PER_CALL,
    MAX_ITEMS_PER_CALL,
    MAX_MESSAGE_BYTES,
    MAX_PAGE_SIZE,
    ImageLimits,
    SearchLimits,
)
from smserve.embedder import OnnxEmbedder
from smserve.engine.budget import ByteBudget
from smserve.engine.galleries import Galleries
from smserve.engine.generations import Generations
from smserve.engine.items import Items, condition_of
from smserve.engine.pictures import PictureEmbedder
from smserve.engine.query import query_vector
from smserve.engine.validation import check_image_count, check_search
from smserve.engine.writing import ItemMaker
from smserve.errors import InvalidImage, ModelMismatch
from smserve.gallery.interface import GalleryReader
from smserve.gallery.values import PerLabel
from smserve.types import Comparison, Embedding, GalleryInfo, SearchRequest, SearchResult, ServerInfo
from smserve.version import VERSION

__all__ = ["Engine", "StillWanted"]

StillWanted = Callable[[], None]
"""Raises (DeadlineExceeded, Cancelled) when nobody waits for the answer any more; called before each costly step."""


def _always_wanted() -> None:
    pass


_DEFAULT_IMAGE_LIMITS: Final = ImageLimits()
_DEFAULT_SEARCH_LIMITS: Final = SearchLimits()


class Engine:
    """Answers searches; safe to call from many threads. It owns its galleries and closes them.

    Attributes:
        items: Read and write the items of the galleries.
        generations: See and change what the galleries are searched with.
    """

    def __init__(
        self,
        embedder: OnnxEmbedder,
        galleries: Mapping[str, GalleryReader],
        *,
        image_limits: ImageLimits = _DEFAULT_IMAGE_LIMITS,
        search_limits: SearchLimits = _DEFAULT_SEARCH_LIMITS,
        decoded_bytes_in_flight: int = DECODED_BYTES_IN_FLIGHT,
    ) -> None:
        """Bring a model and its galleries together.

        Args:
            embedder: The loaded model.
            galleries: By the name that they are served under; the first is the default. With none, only pictures can
                be embedded and compared.
            image_limits: What a picture may cost.
            search_limits: What a search may ask for.
            decoded_bytes_in_flight: Memory for pictures being decoded at the same time.

        Raises:
            ModelMismatch: A gallery was built with another model.
        """
        for name, gallery in galleries.items():
            built_with = gallery.info().model_fingerprint
            if built_with != embedder.fingerprint:
                raise ModelMismatch(
                    f"gallery {name!r} was built with model {built_with}, the model given is {embedder.fingerprint} "
                    f"({embedder.manifest.name}); serve the gallery's own model, or build a gallery with this one"
                )
        self._embedder = embedder
        self._galleries = Galleries(galleries)
        self._image_limits = image_limits
        self._search_limits = search_limits
        self._pictures = PictureEmbedder(embedder, image_limits, ByteBudget(decoded_bytes_in_flight))
        maker = ItemMaker(self._pictures, embedder.dimension)
        self.items: Final = Items(self._galleries, maker, embedder.fingerprint)
        self.generations: Final = Generations(self._galleries)

    @property
    def model_fingerprint(self) -> str:
        """The sha256 of the model file."""
        return self._embedder.fingerprint

    def search(self, request: SearchRequest, still_wanted: StillWanted = _always_wanted) -> SearchResult:
        """Find the items nearest to the query; no hit is no error.

        Raises:
            InvalidInput: A value of the request is wrong; the error names its field.
            GalleryNotFound: No such gallery is served.
            ItemNotFound: The query's item is not in the gallery.
            ModelMismatch: The caller pinned another model.
        """
        check_search(request, self._search_limits)
        name, gallery = self._galleries.reader(request.gallery)
        self._check_pin(request.expected_model_fingerprint)
        vector = query_vector(request, gallery, self._pictures, self._embedder.dimension, still_wanted)  # (D,)
        still_wanted()
        own = request.item_id
        wanted = request.top_k + (own is not None)
        condition = condition_of(request.filter)
        per_label = None
        if request.max_per_label is not None:
            per_label = PerLabel(most=request.max_per_label, uncounted=own or "")
        neighbours = gallery.search(vector[np.newaxis], wanted, request.fields, condition, per_label)
        hits = [hit for hit in neighbours.hits[0] if hit.item_id != own]
        if request.min_score is not None:
            hits = [hit for hit in hits if hit.score >= request.min_score]
        return SearchResult(
            hits=tuple(hits[: request.top_k]),
            gallery=name,
            generation=neighbours.generation,
            model_fingerprint=self.model_fingerprint,
        )

    def embed(self, images: Sequence[bytes], still_wanted: StillWanted = _always_wanted) -> tuple[Embedding, ...]:
        """Embed encoded pictures, in order; a bad one gets an error of its own and the others their vectors.

        Raises:
            InvalidInput: No picture, or too many.
        """
        check_image_count(len(images), MAX_IMAGES_PER_CALL)
        outcomes: list[Embedding] = []
        prepared = []
        for position, image in enumerate(images):
            try:
                prepared.append(self._pictures.prepare(image, f"images[{position}]", still_wanted))
                outcomes.append(Embedding())  # filled in below
            except InvalidImage as error:
                outcomes.append(Embedding(error=error))
        if prepared:
            vectors = iter(self._pictures.embed(prepared, still_wanted))
            outcomes = [outcome if outcome.error else Embedding(vector=next(vectors)) for outcome in outcomes]
        return tuple(outcomes)

    def compare(self, first: bytes, second: bytes, still_wanted: StillWanted = _always_wanted) -> Comparison:
        """Say how alike two encoded pictures are.

        Raises:
            InvalidImage: One of them is no picture that smserve accepts; the field is `first` or `second`.
        """
        prepared = [
            self._pictures.prepare(image, field, still_wanted)
            for field, image in (("first", first), ("second", second))
        ]
        one, other = self._pictures.embed(prepared, still_wanted)  # (D,), (D,)
        score = float(np.clip(one @ other, -1.0, 1.0))
        return Comparison(score=score, probability=None, model_fingerprint=self.model_fingerprint)

    def gallery_name(self, name: str) -> str:
        """Return the name of a gallery; of the first one for an empty name.

        Raises:
            GalleryNotFound: No such gallery is served.
        """
        return self._galleries.reader(name)[0]

    def list_galleries(self) -> tuple[GalleryInfo, ...]:
        """Describe the galleries served here; the first is the default."""
        return self._galleries.infos()

    def server_info(self) -> ServerInfo:
        """Describe the model, the galleries and the limits."""
        manifest = self._embedder.manifest
        return ServerInfo(
            version=VERSION,
            model_name=manifest.name,
            model_fingerprint=self.model_fingerprint,
            dimension=manifest.dimension,
            input_height=manifest.resize.height,
            input_width=manifest.resize.width,
            provider=self._embedder.provider,
            max_message_bytes=MAX_MESSAGE_BYTES,
            max_image_bytes=self._image_limits.max_bytes,
            max_image_pixels=self._image_limits.max_pixels,
            max_images=MAX_IMAGES_PER_CALL,
            max_top_k=self._search_limits.max_top_k,
            max_items=MAX_ITEMS_PER_CALL,
            max_page_size=MAX_PAGE_SIZE,
            galleries=self.list_galleries(),
        )

    def close(self) -> None:
        """Close the galleries; calling it twice is harmless."""
        self._galleries.close()

    def _check_pin(self, expected: str) -> None:
        if expected and expected != self.model_fingerprint:
            raise ModelMismatch(
                f"the caller expects model {expected}, the server has {self.model_fingerprint} "
                f"({self._embedder.manifest.name}); ask a server with that model, or drop the expectation"
            )
