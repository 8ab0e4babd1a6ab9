"""Where the pictures of a build are read and embedded: in this process, or on a Ray cluster."""

import os
from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Final

from smserve.config import ImageLimits
from smserve.embedder import Embedder, InferenceSettings
from smserve.gallery import Source
from smserve.indexing.reading import Outcome, PictureReader, in_order
from smserve.indexing.sources import SourceItem

__all__ = ["Feed", "feed_of"]


class Feed(ABC):
    """Turns sources into what a gallery takes."""

    @property
    @abstractmethod
    def embedder(self) -> Embedder:
        """The model, loaded in this process."""

    @abstractmethod
    def outcomes(self, sources: Sequence[SourceItem], stored: Mapping[str, Source]) -> Generator[Outcome, None, None]:
        """Yield what became of each picture, in the order of the sources.

        Args:
            sources: Whence they come; ids differ.
            stored: What the gallery has, by item id. A picture that is there as it is is not decoded.
        """

    @abstractmethod
    def close(self) -> None:
        """Give back what it holds; may be called twice."""


class _Here(Feed):
    def __init__(
        self, model: Path, inference: InferenceSettings, workers: int, limits: ImageLimits, *, thumbnails: bool
    ) -> None:
        self._embedder: Final = Embedder(model, inference.with_default_threads(workers))
        self._workers: Final = workers
        self._limits: Final = limits
        self._thumbnails: Final = thumbnails

    @property
    def embedder(self) -> Embedder:
        return self._embedder

    def outcomes(self, sources: Sequence[SourceItem], stored: Mapping[str, Source]) -> Generator[Outcome, None, None]:
        rule = self._embedder.manifest.resize
        reader = PictureReader(rule, self._limits, stored, thumbnails=self._thumbnails)
        return in_order(reader, sources, self._workers)

    def close(self) -> None:
        pass


def feed_of(
    model: Path,
    inference: InferenceSettings,
    workers: int | None,
    limits: ImageLimits,
    *,
    thumbnails: bool,
    ray: str | None,
) -> Feed:
    """Return one that works here, or, with the address of a Ray cluster, there.

    Raises:
        ModelDamaged: The model can't be used.
        SmserveError: What is to run it is not to be had, or Ray is not installed.
        InvalidInput: This is no address of a Ray cluster.
        Unavailable: The cluster can't be joined.
    """
    if ray is None:
        return _Here(model, inference, workers or os.cpu_count() or 1, limits, thumbnails=thumbnails)
    from smserve.indexing.cluster import RayFeed

    return RayFeed(ray, model, inference, workers, limits, thumbnails=thumbnails)
