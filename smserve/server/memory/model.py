"""What a model takes of memory, told from its file."""

from typing import Final

from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

from smserve.embedder import InferenceSettings
from smserve.errors import ModelDamaged
from smserve.model_file import METADATA_KEY, Manifest
from smserve.server.memory.prediction import MemoryPart

__all__ = ["model_part"]

_FILES: Final = {("openvino", "float32"): 5.0, ("openvino", "bfloat16"): 3.5}
_FILES_BY_DEFAULT: Final = 3.0
"""How many times its file a model takes: read, converted, and laid out anew for the processor."""

_ACTIVATION_BYTES: Final = 175
"""Of a network's arena, for a pixel of its input, in float32."""

_BATCH: Final = 16  # pictures of one run of the model, see smserve.engine.pictures
_USUAL_PIXELS: Final = 224 * 224

_METADATA_PROPS: Final = 14  # the field of ONNX's ModelProto; of key and value in its entries
_KEY, _VALUE = 1, 2


def model_part(name: str, model: bytes, inference: InferenceSettings, calls: int) -> MemoryPart:
    """Return what a model file takes once it is loaded.

    The factors are measured, on Linux x86-64 with two cores: EfficientNet-Lite0 at 96 pixels (13.2 MiB) takes 80 MiB
    with ONNX Runtime, 95 with OpenVINO; GoogLeNet at 224 pixels (21.6 MiB) 173, 226, and 154 in bfloat16.

    Args:
        name: For people.
        model: The file.
        inference: How it is run.
        calls: That run it at the same time.
    """
    weights = round(len(model) * _FILES.get((inference.provider, inference.precision), _FILES_BY_DEFAULT))
    run = _pixels(model) * _ACTIVATION_BYTES * max(_BATCH, inference.batch)
    if inference.precision == "bfloat16":
        run //= 2
    return MemoryPart(name=name, at_rest=weights + run, at_most=weights + calls * run)


def _pixels(model: bytes) -> int:
    """Return the size of a model's input; a usual one where its manifest can't be read, which who loads it will say."""
    try:
        for prop in _fields(model, _METADATA_PROPS):
            if _fields(prop, _KEY) == [METADATA_KEY.encode()]:
                rule = Manifest.from_json(_fields(prop, _VALUE)[0].decode()).resize
                return rule.width * rule.height
    except (DecodeError, IndexError, UnicodeDecodeError, ModelDamaged):
        pass
    return _USUAL_PIXELS


def _fields(message: bytes, number: int) -> list[bytes]:
    """Return the values of a field of a message of any type, without its schema."""
    found = UnknownFieldSet(Empty.FromString(message))
    fields = [found[place] for place in range(len(found))]
    return [field.data for field in fields if field.field_number == number and isinstance(field.data, bytes)]
