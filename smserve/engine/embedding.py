"""From pictures to vectors, and to how alike two are, with the model of a gallery."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smserve.config import MAX_IMAGES_PER_CALL
from smserve.engine.galleries import Galleries
from smserve.engine.interest import StillWanted
from smserve.engine.models import Model, Models
from smserve.engine.staged import StagedGalleries
from smserve.engine.validation import check_image_count
from smserve.errors import InvalidImage, InvalidInput
from smserve.types import Comparison, Embedding, FloatArray

__all__ = ["Embeddings"]


class Embeddings:
    """Safe to use from many threads. An empty name of a gallery means the default one, or the server's own model."""

    def __init__(self, galleries: Galleries, staged: StagedGalleries, models: Models) -> None:
        self._galleries: Final = galleries
        self._staged: Final = staged
        self._models: Final = models

    def embed(
        self, images: Sequence[bytes], gallery: str, expected: str, still_wanted: StillWanted, *, staged: bool = False
    ) -> tuple[Embedding, ...]:
        """Embed encoded pictures; see `Engine.embed`."""
        check_image_count(len(images), MAX_IMAGES_PER_CALL)
        with self._model(gallery, expected, staged=staged) as model:
            outcomes: list[Embedding] = []
            prepared = []
            for position, image in enumerate(images):
                try:
                    prepared.append(model.pictures.prepare(image, f"images[{position}]", still_wanted))
                    outcomes.append(Embedding(model_fingerprint=model.fingerprint))  # filled in below
                except InvalidImage as error:
                    outcomes.append(Embedding(error=error.as_outcome(), model_fingerprint=model.fingerprint))
            if prepared:
                vectors = iter(model.pictures.embed(prepared, still_wanted))
                outcomes = [
                    outcome if outcome.error else Embedding(vector=next(vectors), model_fingerprint=model.fingerprint)
                    for outcome in outcomes
                ]
        return tuple(outcomes)

    def embed_pixels(self, pixels: NDArray[np.uint8], still_wanted: StillWanted) -> tuple[FloatArray, str]:
        """Embed prepared pictures; see `Engine.embed_pixels`."""
        with self._model("", "") as model:
            rule = model.manifest.resize
            wanted = (rule.height, rule.width, 3)
            if pixels.ndim != 4 or pixels.shape[1:] != wanted or pixels.dtype != np.uint8:
                raise InvalidInput(
                    f"the pictures have shape {pixels.shape} and type {pixels.dtype}; wanted (N, {rule.height}, "
                    f"{rule.width}, 3) uint8, as model {model.name} takes them",
                    field="images",
                )
            check_image_count(len(pixels), MAX_IMAGES_PER_CALL)
            return model.pictures.embed(list(pixels), still_wanted), model.fingerprint

    def compare(
        self,
        first: bytes,
        second: bytes,
        gallery: str,
        expected: str,
        still_wanted: StillWanted,
        *,
        staged: bool = False,
    ) -> Comparison:
        """Say how alike two encoded pictures are; see `Engine.compare`."""
        with self._model(gallery, expected, staged=staged) as model:
            prepared = [
                model.pictures.prepare(image, field, still_wanted)
                for field, image in (("first", first), ("second", second))
            ]
            one, other = model.pictures.embed(prepared, still_wanted)  # (D,), (D,)
            score = float(np.clip(one @ other, -1.0, 1.0))
            probability = model.probability(score)
            return Comparison(
                score=score,
                probability=None if probability is None else float(probability),
                model_fingerprint=model.fingerprint,
            )

    @contextmanager
    def _model(self, gallery: str, expected: str, *, staged: bool = False) -> Iterator[Model]:
        """Hold the model that is meant inside the block.

        Raises:
            GalleryNotFound: No such gallery is served.
            GenerationMismatch: The staged one is meant, and the gallery has none.
            ModelMismatch: It is not the expected one.
        """
        if not gallery and not staged and not self._galleries.has_default:
            self._models.default.check_pin(expected)
            yield self._models.default
            return
        lease = self._staged.lease if staged else self._galleries.lease
        with lease(gallery) as served:
            served.model.check_pin(expected)
            yield served.model
