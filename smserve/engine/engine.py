"""The engine: galleries, their models, and the questions that they answer together."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smserve.config import DECODED_BYTES_IN_FLIGHT, ImageLimits, SearchLimits
from smserve.embedder import Embedder
from smserve.engine.activation import Activations
from smserve.engine.batch import BatchSearches
from smserve.engine.budget import ByteBudget
from smserve.engine.description import describe
from smserve.engine.embedding import Embeddings
from smserve.engine.galleries import Galleries
from smserve.engine.generations import Generations
from smserve.engine.home import GalleryHome
from smserve.engine.interest import StillWanted, always_wanted
from smserve.engine.items import Items
from smserve.engine.limits import CallLimits
from smserve.engine.models import Model, Models
from smserve.engine.naming import Naming
from smserve.engine.search import Searches
from smserve.engine.served import Origin, ServedGallery
from smserve.engine.staged import StagedGalleries
from smserve.engine.stages import Stages
from smserve.engine.staging import Staging
from smserve.engine.storage import Storage
from smserve.engine.verification import Verifications
from smserve.errors import GalleryNotFound, ModelMismatch, SmserveError
from smserve.gallery.interface import GalleryReader
from smserve.types import (
    Comparison,
    Embedding,
    FloatArray,
    GalleryInfo,
    SearchOutcome,
    SearchRequest,
    SearchResult,
    ServerInfo,
)

__all__ = ["Engine"]

_DEFAULT_IMAGE_LIMITS: Final = ImageLimits()
_DEFAULT_SEARCH_LIMITS: Final = SearchLimits()
_NO_SERVER: Final = CallLimits()


class Engine:
    """Answers searches; safe to call from many threads. It owns its galleries and closes them.

    Attributes:
        budget: Memory that pictures are decoded in.
        models: Those that it has, by fingerprint.
        galleries: The catalogue of what it serves.
        staged: What is staged beside them.
        searches: Ask the galleries.
        batches: Ask them many questions at once.
        stages: Counts and times the steps that are taken.
        gallery_events: Tells what the galleries do.
        items: Read and write the items of the galleries.
        generations: See and change what the galleries are searched with.
        naming: Make and drop galleries, and give them further names.
        activations: Give galleries other models.
        staging: Prepare that.
        verifications: Look for damage.
    """

    def __init__(
        self,
        embedder: Embedder,
        galleries: Mapping[str, GalleryReader],
        *,
        folders: Mapping[str, Path] | None = None,
        storage: Storage | None = None,
        home: GalleryHome | None = None,
        models: Path | None = None,
        model_path: Path | None = None,
        image_limits: ImageLimits = _DEFAULT_IMAGE_LIMITS,
        search_limits: SearchLimits = _DEFAULT_SEARCH_LIMITS,
        decoded_bytes_in_flight: int = DECODED_BYTES_IN_FLIGHT,
    ) -> None:
        """Bring models and galleries together.

        Args:
            embedder: The server's own model.
            galleries: By the name that they are served under; the first is the default. With none, only pictures can
                be embedded and compared.
            folders: Where galleries lie, by their names.
            storage: How galleries are opened that come later; by default for writing.
            home: The folder in which galleries can be made and dropped; the engine closes it.
            models: A folder of further models, for galleries that were built with another one.
            model_path: The file of the server's own model.
            image_limits: What a picture may cost.
            search_limits: What a search may ask for.
            decoded_bytes_in_flight: Memory for pictures being decoded at the same time.

        Raises:
            ModelMismatch: A gallery was built with a model that is not there.
            ModelDamaged: The model of a gallery can't be used.
        """
        self._image_limits = image_limits
        self._search_limits = search_limits
        self._decoded_bytes = decoded_bytes_in_flight
        self.stages: Final = Stages()
        storage = storage or Storage()
        self.gallery_events: Final = storage.events
        self.budget: Final = ByteBudget(decoded_bytes_in_flight)
        self.models: Final = Models(
            embedder,
            limits=image_limits,
            budget=self.budget,
            stages=self.stages,
            folder=models,
            default_path=model_path,
        )
        self._home: Final = home
        ours = home.galleries() if home else {}
        folders = folders or {}
        self.galleries: Final = Galleries(
            [
                ServedGallery(
                    name=name,
                    reader=reader,
                    model=self._model_of(name, reader),
                    folder=folders.get(name),
                    ours=name in ours and not ours[name].is_symlink(),
                )
                for name, reader in galleries.items()
            ],
            home.aliases() if home else {},
        )
        self.staged: Final = StagedGalleries(self.galleries, self.models)
        self.searches: Final = Searches(self.galleries, self.staged, search_limits, self.stages)
        self.batches: Final = BatchSearches(self.galleries, self.staged, search_limits, self.stages)
        self.items: Final = Items(self.galleries)
        self.generations: Final = Generations(self.galleries)
        self.naming: Final = Naming(self.galleries, self.models, storage, home)
        self.activations: Final = Activations(self.galleries, self.models, storage)
        self.staging: Final = Staging(self.galleries, self.models, storage)
        self.verifications: Final = Verifications(self.galleries)
        self._embeddings: Final = Embeddings(self.galleries, self.staged, self.models)

    @property
    def model_fingerprint(self) -> str:
        """The sha256 of the server's own model file; a gallery may have another."""
        return self.models.default.fingerprint

    def search(self, request: SearchRequest, still_wanted: StillWanted = always_wanted) -> SearchResult:
        """Find the items nearest to the query; see `Searches.search`."""
        return self.searches.search(request, still_wanted)

    def batch_search(
        self, requests: Sequence[SearchRequest | SmserveError], still_wanted: StillWanted = always_wanted
    ) -> tuple[SearchOutcome, ...]:
        """Answer many searches at once; see `BatchSearches.search`."""
        return self.batches.search(requests, still_wanted)

    def embed(
        self,
        images: Sequence[bytes],
        still_wanted: StillWanted = always_wanted,
        *,
        gallery: str = "",
        expected_model_fingerprint: str = "",
        staged: bool = False,
    ) -> tuple[Embedding, ...]:
        """Embed encoded pictures, in order; a bad one gets an error of its own and the others their vectors.

        Args:
            images: The pictures.
            still_wanted: Called before each costly step.
            gallery: Whose model embeds; the default gallery's, or the server's own where it serves none.
            expected_model_fingerprint: When given, another model is an error.
            staged: The gallery's staged model embeds.

        Raises:
            InvalidInput: No picture, or too many.
            GalleryNotFound: No such gallery is served.
            GenerationMismatch: It has no staged model.
            ModelMismatch: It has another model than the expected one.
        """
        return self._embeddings.embed(images, gallery, expected_model_fingerprint, still_wanted, staged=staged)

    def embed_pixels(
        self, pixels: NDArray[np.uint8], still_wanted: StillWanted = always_wanted
    ) -> tuple[FloatArray, str]:
        """Embed pictures that are decoded and resized as the default gallery's model takes them.

        Args:
            pixels: (N, H, W, 3) uint8 RGB.
            still_wanted: Called before each costly step.

        Returns:
            Vectors (N, D) of unit norm, and the model's fingerprint.

        Raises:
            InvalidInput: Of another shape, or none, or too many.
        """
        return self._embeddings.embed_pixels(pixels, still_wanted)

    def compare(
        self,
        first: bytes,
        second: bytes,
        still_wanted: StillWanted = always_wanted,
        *,
        gallery: str = "",
        expected_model_fingerprint: str = "",
        staged: bool = False,
    ) -> Comparison:
        """Say how alike two encoded pictures are; see `embed`.

        Raises:
            InvalidImage: One of them is no picture that smserve accepts; the field is `first` or `second`.
            GalleryNotFound: No such gallery is served.
            GenerationMismatch: It has no staged model.
            ModelMismatch: It has another model than the expected one.
        """
        return self._embeddings.compare(first, second, gallery, expected_model_fingerprint, still_wanted, staged=staged)

    def origin(self) -> Origin:
        """Name the default gallery, its model and generation; the server's own model where there is none."""
        try:
            with self.galleries.lease("") as served:
                return served.origin()
        except GalleryNotFound:
            return Origin(model_fingerprint=self.model_fingerprint, gallery="", generation=0)

    def list_galleries(self) -> tuple[GalleryInfo, ...]:
        """Describe the galleries served here; the first is the default."""
        return self.galleries.infos()

    def server_info(self, limits: CallLimits = _NO_SERVER) -> ServerInfo:
        """Describe the model, the galleries and the limits, with those of the server around it."""
        return describe(
            self.models.default,
            self.list_galleries(),
            images=self._image_limits,
            searches=self._search_limits,
            decoded_bytes=self._decoded_bytes,
            calls=limits,
        )

    def close(self) -> None:
        """Close the galleries; calling it twice is harmless."""
        self.staged.close()
        self.galleries.close()
        if self._home is not None:
            self._home.close()

    def _model_of(self, name: str, reader: GalleryReader) -> Model:
        built_with = reader.info().model_fingerprint
        if self.models.is_available(built_with):
            return self.models.get(built_with)
        default = self.models.default
        raise ModelMismatch(
            f"gallery {name!r} was built with model {built_with}, the model given is {default.fingerprint} "
            f"({default.name}); serve the gallery's own model, put that one's file into the folder of --models, or "
            f"give the gallery this model: `smserve gallery stage`"
        )
