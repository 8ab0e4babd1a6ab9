"""Tensors of the Open Inference Protocol: pictures in, vectors out."""

from __future__ import annotations

import struct
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from smserve.errors import InvalidInput
from smserve.openinference import inference_pb2
from smserve.types import FloatArray

__all__ = ["IMAGE", "IMAGES", "OUTPUT", "pictures_from_proto", "vectors_to_proto"]

IMAGE: Final = "image"
"""Input: encoded pictures, BYTES [N]."""
IMAGES: Final = "images"
"""Input: prepared pictures, UINT8 [N, H, W, 3]."""
OUTPUT: Final = "embedding"
"""Output: vectors, FP32 [N, D]."""

_LENGTH_BYTES: Final = 4

Pictures: TypeAlias = "list[bytes] | NDArray[np.uint8]"


def pictures_from_proto(message: inference_pb2.ModelInferRequest) -> Pictures:
    """Return encoded pictures, or prepared ones (N, H, W, 3).

    Raises:
        InvalidInput: Not exactly one input, another one than those two, or its bytes are not what its shape says.
    """
    if len(message.inputs) != 1 or (message.raw_input_contents and len(message.raw_input_contents) != 1):
        raise InvalidInput(
            f"the request has {len(message.inputs)} inputs and {len(message.raw_input_contents)} raw contents; wanted "
            f"one input, {IMAGE!r} or {IMAGES!r}",
            field="inputs",
        )
    unknown = [output.name for output in message.outputs if output.name != OUTPUT]
    if unknown:
        raise InvalidInput(f"the output {unknown[0]!r} was asked for; there is {OUTPUT!r} only", field="outputs")
    tensor = message.inputs[0]
    raw = message.raw_input_contents[0] if message.raw_input_contents else None
    shape = tuple(tensor.shape)
    if (tensor.name, tensor.datatype) == (IMAGE, "BYTES") and all(size >= 0 for size in shape):
        return _encoded(shape, raw, tensor)
    if (tensor.name, tensor.datatype) == (IMAGES, "UINT8") and all(size >= 0 for size in shape):
        return _prepared(shape, raw, tensor)
    raise InvalidInput(
        f"the input is {tensor.name!r}, {tensor.datatype} {list(shape)}; wanted {IMAGE!r}, BYTES [N], or {IMAGES!r}, "
        f"UINT8 [N, H, W, 3]",
        field="inputs[0]",
    )


def vectors_to_proto(vectors: FloatArray, message: inference_pb2.ModelInferResponse) -> None:
    """Write vectors (N, D) into an answer."""
    message.outputs.add(name=OUTPUT, datatype="FP32", shape=vectors.shape)
    message.raw_output_contents.append(vectors.astype("<f4").tobytes())


def _encoded(
    shape: tuple[int, ...], raw: bytes | None, tensor: inference_pb2.ModelInferRequest.InferInputTensor
) -> list[bytes]:
    wanted = _count(shape)
    pictures = list(tensor.contents.bytes_contents) if raw is None else _split(raw)
    if len(pictures) != wanted:
        raise InvalidInput(
            f"the input {IMAGE!r} has shape {list(shape)} and holds {len(pictures)} elements", field="inputs[0]"
        )
    return pictures


def _prepared(
    shape: tuple[int, ...], raw: bytes | None, tensor: inference_pb2.ModelInferRequest.InferInputTensor
) -> NDArray[np.uint8]:
    if raw is None:
        numbers = np.fromiter(tensor.contents.uint_contents, np.uint32, len(tensor.contents.uint_contents))
        if numbers.size and numbers.max() > 255:
            raise InvalidInput(f"the input {IMAGES!r} holds {numbers.max()}; wanted 0 to 255", field="inputs[0]")
        values = numbers.astype(np.uint8)
    else:
        values = np.frombuffer(raw, np.uint8)
    if values.size != _count(shape):
        raise InvalidInput(
            f"the input {IMAGES!r} has shape {list(shape)} and holds {values.size} numbers", field="inputs[0]"
        )
    return values.reshape(shape)


def _count(shape: tuple[int, ...]) -> int:
    """Return how many elements a shape has; Python's whole numbers, which do not overflow."""
    count = 1
    for size in shape:
        count *= size
    return count


def _split(raw: bytes) -> list[bytes]:
    """Cut packed BYTES apart: each element has its length before it, 4 bytes, little-endian."""
    elements, position = [], 0
    while position < len(raw):
        start = position + _LENGTH_BYTES
        if start > len(raw) or (end := start + struct.unpack_from("<I", raw, position)[0]) > len(raw):
            raise InvalidInput(
                f"the packed input {IMAGE!r} ends within an element, at byte {position} of {len(raw)}; wanted each "
                f"element's length, 4 bytes, before it",
                field="raw_input_contents[0]",
            )
        elements.append(raw[start:end])
        position = end
    return elements
