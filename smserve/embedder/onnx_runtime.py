"""ONNX Runtime, on a CPU or on an NVIDIA GPU: the only module that touches it."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from smserve.embedder.backend import Backend, Signature, TensorType
from smserve.embedder.settings import InferenceSettings
from smserve.errors import ModelDamaged, SmserveError
from smserve.model_file import INPUT_NAME, OUTPUT_NAME
from smserve.ort import onnxruntime
from smserve.types import FloatArray

__all__ = ["OnnxRuntimeBackend"]

_EXECUTION_PROVIDERS: Final = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
_PROVIDER_OPTIONS: Final = {"cuda": {"use_tf32": "0"}}  # else float32 loses 13 of its 23 bits on newer GPUs
_DTYPES: Final = {"tensor(uint8)": "uint8", "tensor(float)": "float32"}


class OnnxRuntimeBackend(Backend):
    """One session, shared by all threads: two were no faster."""

    def __init__(self, model: bytes, settings: InferenceSettings) -> None:
        """Load a model.

        Raises:
            ModelDamaged: It is no model that ONNX Runtime can load; the message says why.
            SmserveError: The execution provider is not there. It never falls back to another.
        """
        wanted = _EXECUTION_PROVIDERS[settings.provider]
        available = onnxruntime.get_available_providers()
        if wanted not in available:
            raise SmserveError(
                f"execution provider {wanted} is not in this ONNX Runtime (it has {', '.join(available)}); replace the "
                f"package: pip uninstall --yes onnxruntime && pip install onnxruntime-gpu, or use --provider cpu"
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = settings.threads_a_call
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        provider = (wanted, _PROVIDER_OPTIONS.get(settings.provider, {}))
        try:
            self._session: Final = onnxruntime.InferenceSession(model, options, providers=[provider])
        except Exception as error:  # noqa: BLE001 - ONNX Runtime's errors have no common public base
            raise ModelDamaged(str(error).splitlines()[0] if str(error) else type(error).__name__) from None
        chosen = self._session.get_providers()[0]
        if chosen != wanted:  # its library could not be loaded, for example without CUDA's own
            raise SmserveError(
                f"execution provider {wanted} was asked for, ONNX Runtime chose {chosen}; see that the driver and the "
                f"CUDA and cuDNN libraries are there that this onnxruntime-gpu wants, or use --provider cpu"
            )
        self._name: Final[str] = chosen

    @property
    def name(self) -> str:
        """The execution provider, as ONNX Runtime names it."""
        return self._name

    @property
    def signature(self) -> Signature:
        """As the file has it."""
        return Signature(
            inputs=_types_by_name(self._session.get_inputs()), outputs=_types_by_name(self._session.get_outputs())
        )

    @property
    def metadata(self) -> Mapping[str, str]:
        """The file's `metadata_props`."""
        metadata: Mapping[str, str] = self._session.get_modelmeta().custom_metadata_map
        return metadata

    def run(self, pixels: NDArray[np.uint8]) -> FloatArray:
        """Run the network, on the calling thread and those of its pool."""
        (embeddings,) = self._session.run([OUTPUT_NAME], {INPUT_NAME: pixels})  # (N, D)
        return np.asarray(embeddings, np.float32)


def _types_by_name(nodes: list[Any]) -> dict[str, TensorType]:
    return {
        node.name: TensorType(
            dtype=_DTYPES.get(node.type, node.type),
            shape=tuple(size if isinstance(size, int) else None for size in node.shape),  # a free one has a name
        )
        for node in nodes
    }
