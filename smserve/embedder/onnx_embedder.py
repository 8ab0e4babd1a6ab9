"""Load `model.onnx` into ONNX Runtime, prove that it computes what training computed, and embed."""

from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from smserve.config import ImageLimits
from smserve.errors import ModelDamaged, SmserveError
from smserve.images import prepare
from smserve.model_file import INPUT_NAME, METADATA_KEY, OUTPUT_NAME, SELF_CHECK_MIN_COSINE, Manifest, fingerprint
from smserve.types import FloatArray

__all__ = ["OnnxEmbedder", "Provider"]

Provider = Literal["cpu", "cuda"]

_PROVIDERS: Final = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


class OnnxEmbedder:
    """A loaded model; safe to call from many threads.

    Attributes:
        manifest: What the file says about itself.
        fingerprint: sha256 of the file.
        provider: The execution provider in use, as ONNX Runtime names it.
    """

    def __init__(self, path: Path, *, provider: Provider = "cpu", threads: int = 1) -> None:
        """Load a model file and run its self-check.

        Args:
            path: The model file. It is read once, so that what is hashed is what runs.
            provider: "cuda" is strict: it never falls back to the CPU.
            threads: CPU threads of one call; parallelism otherwise comes from concurrent calls.

        Raises:
            ModelDamaged: The file is missing or damaged, has no manifest, or fails its self-check.
        """
        try:
            model = path.read_bytes()
        except OSError as error:
            raise ModelDamaged(f"model file {path} can't be read ({error.strerror}); check the path") from None
        self.fingerprint: Final = fingerprint(model)
        self._session: Final = _open_session(path, model, provider, threads)
        self.provider: Final[str] = self._session.get_providers()[0]
        metadata = self._session.get_modelmeta().custom_metadata_map
        if METADATA_KEY not in metadata:
            raise ModelDamaged(
                f"model file {path} has no {METADATA_KEY!r} manifest; export it with `python -m training export`"
            )
        self.manifest: Final = Manifest.from_json(metadata[METADATA_KEY])
        _check_signature(path, self._session, self.manifest)
        _self_check(path, self)

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

    def embed(self, pixels: NDArray[np.uint8]) -> FloatArray:
        """Return (N, D) float32 of unit norm for prepared pictures (N, H, W, 3) uint8."""
        if len(pixels) == 0:
            return np.zeros((0, self.dimension), np.float32)
        (embeddings,) = self._session.run([OUTPUT_NAME], {INPUT_NAME: pixels})  # (N, D)
        return np.asarray(embeddings, np.float32)


def _open_session(path: Path, model: bytes, provider: Provider, threads: int) -> Any:
    wanted = _PROVIDERS[provider]
    if wanted not in onnxruntime.get_available_providers():
        raise SmserveError(
            f"execution provider {wanted} is not in this ONNX Runtime (it has "
            f"{', '.join(onnxruntime.get_available_providers())}); install onnxruntime-gpu, or use --provider cpu"
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Numbers in other files are looked for below the model file, where none can lie: the fingerprint would not cover
    # them, and in the current folder a model could name any file.
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(path / "none"))
    try:
        session = onnxruntime.InferenceSession(model, options, providers=[wanted])
    except Exception as error:  # noqa: BLE001 - ONNX Runtime's errors have no common public base
        first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelDamaged(
            f"model file {path} ({len(model):,} bytes) can't be loaded: {first_line}; "
            f"it is damaged or no ONNX model, so copy or export it again"
        ) from None
    if session.get_providers()[0] != wanted:
        raise SmserveError(
            f"execution provider {wanted} was asked for, ONNX Runtime chose {session.get_providers()[0]}"
        )
    return session


def _check_signature(path: Path, session: Any, manifest: Manifest) -> None:
    inputs = {node.name: (node.type, node.shape[1:]) for node in session.get_inputs()}
    outputs = {node.name: (node.type, node.shape[1:]) for node in session.get_outputs()}
    want_in = {INPUT_NAME: ("tensor(uint8)", [manifest.resize.height, manifest.resize.width, 3])}
    want_out = {OUTPUT_NAME: ("tensor(float)", [manifest.dimension])}
    if inputs != want_in or outputs != want_out:
        raise ModelDamaged(
            f"model file {path} maps {inputs} to {outputs}, its manifest says {want_in} to {want_out}; export it again"
        )


def _self_check(path: Path, embedder: OnnxEmbedder) -> None:
    """Embed the manifest's pictures, one by one, and compare with what training computed for them."""
    for item in embedder.manifest.self_check:
        got = embedder.embed(embedder.prepare(item.image)[np.newaxis])[0]  # (D,)
        cosine = float(got @ item.embedding)
        if not cosine >= SELF_CHECK_MIN_COSINE:  # NaN fails too
            raise ModelDamaged(
                f"model file {path} fails its self-check on {embedder.provider}: picture {item.name!r} has cosine "
                f"{cosine:.5f} to training's embedding (largest difference {np.abs(got - item.embedding).max():.2g}), "
                f"wanted at least {SELF_CHECK_MIN_COSINE}; export it again, or use another provider"
            )
