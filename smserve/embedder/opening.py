"""From the bytes of a model file to what runs it."""

from smserve.embedder.backend import Backend
from smserve.embedder.distributions import refuse_colliding_distributions
from smserve.embedder.external_data import names_other_files
from smserve.embedder.settings import InferenceSettings
from smserve.errors import ModelDamaged

__all__ = ["open_backend"]


def open_backend(model: bytes, settings: InferenceSettings) -> Backend:
    """Load a model into the runtime that the settings name; only that one is imported.

    Raises:
        ModelDamaged: It can't load it; the message says why, and not which file.
        SmserveError: It is not there, or two packages bring it.
    """
    refuse_colliding_distributions()
    if names_other_files(model):
        raise ModelDamaged("some of its numbers lie in other files; export it as one file")
    if settings.provider == "openvino":
        from smserve.embedder.openvino import OpenVinoBackend

        return OpenVinoBackend(model, settings)
    from smserve.embedder.onnx_runtime import OnnxRuntimeBackend

    return OnnxRuntimeBackend(model, settings)
