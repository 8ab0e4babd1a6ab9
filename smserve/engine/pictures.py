"""From encoded pictures to their embeddings, within a budget of memory."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smserve.config import ImageLimits
from smserve.embedder import Embedder
from smserve.engine.budget import ByteBudget
from smserve.engine.stages import Stage, Stages
from smserve.errors import InvalidImage, InvalidInput
from smserve.images import decode_for, decoding_bytes, fit, make_thumbnail, read_header
from smserve.types import FloatArray

__all__ = ["PictureEmbedder"]

_BATCH: Final = 16  # pictures of one run of the model; between runs a call can be given up


@contextmanager
def _blamed_on(field: str) -> Iterator[None]:
    """Name the request's field in errors about its value."""
    try:
        yield
    except InvalidInput as error:
        error.field = field
        raise


class PictureEmbedder:
    """Decodes, checks and embeds; safe to call from many threads."""

    def __init__(self, embedder: Embedder, limits: ImageLimits, budget: ByteBudget, stages: Stages) -> None:
        self._embedder = embedder
        self._limits = limits
        self._budget = budget
        self._stages = stages

    def warm_up(self) -> None:
        """Run the model once as it will be run, so that the first call need not wait for it."""
        self._embedder.warm_up((1, _BATCH))

    def prepare(self, image: bytes, field: str, still_wanted: Callable[[], None]) -> NDArray[np.uint8]:
        """Return the model's input (H, W, 3) for an encoded picture; waits while others fill the budget.

        Raises:
            InvalidImage: As `smserve.images.decode`, naming `field`.
        """
        with self._affordable(image, field, still_wanted):
            return self._embedder.prepare(image, self._limits)

    def prepare_with_thumbnail(
        self, image: bytes, field: str, still_wanted: Callable[[], None]
    ) -> tuple[NDArray[np.uint8], bytes]:
        """Return the model's input, and a small JPEG for the gallery; see `prepare`."""
        rule = self._embedder.manifest.resize
        with self._affordable(image, field, still_wanted):
            picture = decode_for(image, rule, self._limits)
            return fit(picture, rule), make_thumbnail(picture.image)

    @contextmanager
    def _affordable(self, image: bytes, field: str, still_wanted: Callable[[], None]) -> Iterator[None]:
        """Hold the memory that decoding a picture takes; errors about it name `field`."""
        still_wanted()
        with self._refusals_told(), _blamed_on(field):
            cost = decoding_bytes(image, read_header(image, self._limits), self._embedder.manifest.resize)
            with self._budget.hold(cost, still_wanted) as waited_s:
                if waited_s:
                    self._stages.passed(Stage.QUEUE, waited_s)
                with self._stages.step(Stage.DECODE, still_wanted):
                    yield

    @contextmanager
    def _refusals_told(self) -> Iterator[None]:
        try:
            yield
        except InvalidImage as error:
            self._stages.refuse(error)
            raise

    def embed(self, pixels: list[NDArray[np.uint8]], still_wanted: Callable[[], None]) -> FloatArray:
        """Return (N, D) float32 of unit norm for N prepared pictures."""
        parts = []
        for start in range(0, len(pixels), _BATCH):
            some = pixels[start : start + _BATCH]
            with self._stages.step(Stage.INFERENCE, still_wanted, size=len(some)):
                parts.append(self._embedder.embed(np.stack(some), still_wanted))
        still_wanted()
        return np.concatenate(parts)
