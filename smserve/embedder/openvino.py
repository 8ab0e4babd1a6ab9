"""OpenVINO, on a CPU: the only module that touches it."""

import os
import sys
import textwrap
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from smserve.embedder.backend import Backend, Signature, TensorType
from smserve.embedder.settings import InferenceSettings
from smserve.errors import ModelDamaged, SmserveError
from smserve.model_file import INPUT_NAME, OUTPUT_NAME
from smserve.types import FloatArray

__all__ = ["OpenVinoBackend", "load_openvino"]

_DEVICE: Final = "CPU"
_PRECISIONS: Final = {"float32": "f32", "bfloat16": "bf16"}  # as OpenVINO names them
_DTYPES: Final = {"u8": "uint8", "f32": "float32"}


@contextmanager
def _without_telemetry() -> Iterator[None]:
    """Keep the package `openvino_telemetry` from being imported inside the block.

    `import openvino` sends an event to Google Analytics and writes to the home directory, unless that package is
    missing; None in `sys.modules` makes it so.
    """
    name = "openvino_telemetry"
    if name in sys.modules:  # somebody else's program uses it
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]  # documented: the import then raises ModuleNotFoundError
    try:
        yield
    finally:
        del sys.modules[name]


def load_openvino() -> Any:
    """Return the module `openvino`, which sends nothing to anybody.

    Raises:
        SmserveError: It is not installed.
    """
    try:
        with _without_telemetry():
            import openvino
    except ModuleNotFoundError as error:
        raise SmserveError(
            f"provider openvino wants the package {error.name}, which is not installed; pip install "
            f"'smserve[openvino]', or use --provider cpu"
        ) from None
    return openvino


@cache
def _core() -> Any:
    """Return the one `Core` of this process.

    The CPU's part of a core sets the stack on which the calling thread handles signals, and unmaps it when the core
    goes, from whichever thread that is: with a core a model, a signal after one had gone killed the process (SIGSEGV).
    """
    return load_openvino().Core()


class OpenVinoBackend(Backend):
    """A compiled model with as many streams as calls that the CPU's cores can run at the same time."""

    def __init__(self, model: bytes, settings: InferenceSettings) -> None:
        """Load and compile a model.

        Raises:
            ModelDamaged: It is no model that OpenVINO can load; the message says why.
            SmserveError: OpenVINO is not installed, or the CPU does not have the precision.
        """
        core = _core()
        precision = _PRECISIONS[settings.precision]
        capabilities = [each.lower() for each in core.get_property(_DEVICE, "OPTIMIZATION_CAPABILITIES")]
        if ("fp32" if precision == "f32" else precision) not in capabilities:
            raise SmserveError(
                f"precision {settings.precision} is not in this CPU, {core.get_property(_DEVICE, 'FULL_DEVICE_NAME')} "
                f"(OpenVINO lists {', '.join(capabilities)}); use --precision float32"
            )
        streams = max(1, (os.cpu_count() or 1) // settings.threads_a_call)
        try:
            read = core.read_model(model=model)
            self._compiled: Final = core.compile_model(
                read,
                _DEVICE,
                {
                    "INFERENCE_PRECISION_HINT": precision,
                    "INFERENCE_NUM_THREADS": streams * settings.threads_a_call,
                    "NUM_STREAMS": streams,
                    "ENABLE_CPU_PINNING": False,  # decoding and search run on the same cores
                },
            )
        except RuntimeError as error:
            raise ModelDamaged(_reason(error)) from None
        held = self._compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        if held != precision:  # OpenVINO takes another in silence
            raise SmserveError(
                f"precision {settings.precision} was asked for, OpenVINO chose {held}; use --precision float32"
            )
        self._name: Final = f"OpenVINO {_DEVICE} {settings.precision}"
        self._signature: Final = Signature(inputs=_types_by_name(read.inputs), outputs=_types_by_name(read.outputs))
        self._metadata: Final = _metadata(read)
        self._idle: Final[deque[Any]] = deque()  # requests; each holds its own tensors, so a call needs one to itself

    @property
    def name(self) -> str:
        """OpenVINO, the device and the precision."""
        return self._name

    @property
    def signature(self) -> Signature:
        """As the file has it."""
        return self._signature

    @property
    def metadata(self) -> Mapping[str, str]:
        """The file's `metadata_props`."""
        return self._metadata

    def run(self, pixels: NDArray[np.uint8]) -> FloatArray:
        """Run the network, on a stream that is free."""
        try:
            request = self._idle.pop()
        except IndexError:  # all are in use
            request = self._compiled.create_infer_request()
        request.infer({INPUT_NAME: pixels}, share_inputs=True)
        embeddings = np.array(request.get_tensor(OUTPUT_NAME).data, np.float32)  # (N, D); a copy
        self._idle.append(request)
        return embeddings


def _types_by_name(ports: list[Any]) -> dict[str, TensorType]:
    return {
        port.get_any_name(): TensorType(
            dtype=_DTYPES.get(kind := port.get_element_type().get_type_name(), kind),
            shape=tuple(size.get_length() if size.is_static else None for size in port.get_partial_shape()),
        )
        for port in ports
    }


def _metadata(model: Any) -> dict[str, str]:
    """Return the file's `metadata_props`, which OpenVINO keeps as what a framework said about its model."""
    of_framework = dict(model.get_rt_info().items()).get("framework")
    if not isinstance(of_framework, Mapping):  # the file has none
        return {}
    return {name: str(entry.value) for name, entry in of_framework.items()}


def _reason(error: RuntimeError) -> str:
    """Return what OpenVINO's message says, in one line, without the places in its source."""
    lines = [line.strip() for line in str(error).splitlines()]
    said = [line for line in lines if line and not line.startswith(("Exception from ", "Check '"))]
    return textwrap.shorten(" ".join(said), 200).rstrip(".") or type(error).__name__
