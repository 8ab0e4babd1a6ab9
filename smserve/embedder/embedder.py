"""A model file, loaded and proved: pictures in, vectors out."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smserve.config import ImageLimits
from smserve.embedder.backend import Backend, Signature, TensorType
from smserve.embedder.batching import Batcher, batch_sizes
from smserve.embedder.opening import open_backend
from smserve.embedder.settings import InferenceSettings
from smserve.errors import ModelDamaged
from smserve.images import prepare
from smserve.model_file import INPUT_NAME, METADATA_KEY, OUTPUT_NAME, SELF_CHECK_MIN_COSINE, Manifest, fingerprint
from smserve.types import FloatArray

__all__ = ["Embedder"]

_DEFAULT_SETTINGS: Final = InferenceSettings()


class Embedder:
    """A loaded model; safe to call from many threads.

    Attributes:
        manifest: What the file says about itself.
        fingerprint: sha256 of the file.
        settings: How it is run.
    """

    def __init__(
        self, path: Path, settings: InferenceSettings = _DEFAULT_SETTINGS, *, model: bytes | None = None
    ) -> None:
        """Load a model file and run its self-check on the provider that will run it.

        Args:
            path: The model file. It is read once, so that what is hashed is what runs.
            settings: What runs it, and how; there is no fall back to another provider or precision.
            model: What is in the file, where that has been read, perhaps on another machine; then it is not read here.

        Raises:
            ModelDamaged: The file is missing or damaged, has no manifest, or fails its self-check.
            SmserveError: The provider or the precision is not to be had on this machine.
        """
        try:
            model = path.read_bytes() if model is None else model
        except OSError as error:
            raise ModelDamaged(f"model file {path} can't be read ({error.strerror}); check the path") from None
        self.fingerprint: Final = fingerprint(model)
        self.settings: Final = settings
        self._backend: Final = _open(path, model, settings)
        metadata = self._backend.metadata
        if METADATA_KEY not in metadata:
            raise ModelDamaged(
                f"model file {path} has no {METADATA_KEY!r} manifest; export it with `python -m training export`"
            )
        self.manifest: Final = Manifest.from_json(metadata[METADATA_KEY])
        _check_signature(path, self._backend.signature, self.manifest)
        _self_check(path, self._backend, self.manifest)
        self._batcher: Final = _batcher(self._backend, settings, self._tell)
        self._listeners: tuple[Callable[[int], None], ...] = ()

    def listen(self, listener: Callable[[int], None]) -> None:
        """Tell one more how many pictures each run of the model is of, on the thread that runs it."""
        self._listeners += (listener,)

    @property
    def provider(self) -> str:
        """What it runs on: "CPUExecutionProvider", "OpenVINO CPU bfloat16"."""
        return self._backend.name

    @property
    def dimension(self) -> int:
        """D."""
        return self.manifest.dimension

    def prepare(self, image: bytes, limits: ImageLimits | None = None) -> NDArray[np.uint8]:
        """Decode and resize an encoded picture to this model's input, (H, W, 3) uint8.

        Raises:
            InvalidImage: Not a picture that smserve accepts.
        """
        return prepare(image, self.manifest.resize, limits or ImageLimits())

    def embed(self, pixels: NDArray[np.uint8], still_wanted: Callable[[], None] = lambda: None) -> FloatArray:
        """Return (N, D) float32 of unit norm for prepared pictures (N, H, W, 3) uint8.

        Args:
            pixels: The pictures.
            still_wanted: Called while the call waits to be run together with others; what it raises ends the wait.
        """
        if len(pixels) == 0:
            return np.zeros((0, self.dimension), np.float32)
        if self._batcher is not None:
            return self._batcher.run(pixels, still_wanted)
        self._tell(len(pixels))
        return self._backend.run(pixels)

    def warm_up(self, sizes: Iterable[int]) -> None:
        """Run batches of these sizes, and those that batching makes, once: the first one of a size takes longer."""
        rule = self.manifest.resize
        batched = batch_sizes(self.settings.batch) if self._batcher is not None else ()
        for size in sorted({*sizes, *batched}):
            self._backend.run(np.zeros((size, rule.height, rule.width, 3), np.uint8))

    def _tell(self, size: int) -> None:
        for listener in self._listeners:
            listener(size)


def _open(path: Path, model: bytes, settings: InferenceSettings) -> Backend:
    try:
        return open_backend(model, settings)
    except ModelDamaged as error:
        elsewhere = "" if settings.provider == "cpu" else ", or use --provider cpu"
        raise ModelDamaged(
            f"model file {path} ({len(model):,} bytes) can't be loaded by provider {settings.provider}: "
            f"{error.message}; it is damaged, or no ONNX model that this provider can run, so copy or export it again"
            f"{elsewhere}"
        ) from None


def _batcher(backend: Backend, settings: InferenceSettings, on_batch: Callable[[int], None]) -> Batcher | None:
    if settings.batch == 1:
        return None
    return Batcher(
        backend.run,
        max_batch=settings.batch,
        max_delay_s=settings.max_batch_delay_ms / 1000,
        fill_up=settings.provider == "cuda",
        on_batch=on_batch,
    )


def _check_signature(path: Path, found: Signature, manifest: Manifest) -> None:
    wanted = Signature(
        inputs={INPUT_NAME: TensorType("uint8", (None, manifest.resize.height, manifest.resize.width, 3))},
        outputs={OUTPUT_NAME: TensorType("float32", (None, manifest.dimension))},
    )
    if found != wanted:
        raise ModelDamaged(f"model file {path} maps {found}, its manifest says {wanted}; export it again")


def _self_check(path: Path, backend: Backend, manifest: Manifest) -> None:
    """Embed the manifest's pictures, one by one, and compare with what training computed for them."""
    for item in manifest.self_check:
        got = backend.run(prepare(item.image, manifest.resize, ImageLimits())[np.newaxis])[0]  # (D,)
        cosine = float(got @ item.embedding)
        if not cosine >= SELF_CHECK_MIN_COSINE:  # NaN fails too
            raise ModelDamaged(
                f"model file {path} fails its self-check on {backend.name}: picture {item.name!r} has cosine "
                f"{cosine:.5f} to training's embedding (largest difference {np.abs(got - item.embedding).max():.2g}), "
                f"wanted at least {SELF_CHECK_MIN_COSINE}; export it again, or use another provider"
            )
