"""Vectors as packed little-endian float32."""

import numpy as np

from smserve.errors import InvalidVector
from smserve.types import FloatArray
from smserve.v1 import types_pb2

__all__ = ["vector_from_proto", "vector_to_proto"]

_ITEM_BYTES = 4


def vector_to_proto(vector: FloatArray) -> types_pb2.Vector:
    """Pack (D,) float32."""
    return types_pb2.Vector(
        data=vector.astype("<f4").tobytes(), data_type=types_pb2.DATA_TYPE_FLOAT32, dimension=vector.size
    )


def vector_from_proto(message: types_pb2.Vector) -> FloatArray:
    """Unpack (D,) float32.

    Raises:
        InvalidVector: An unknown data type, or a byte count that is not `dimension` numbers.
    """
    if message.data_type not in {types_pb2.DATA_TYPE_UNSPECIFIED, types_pb2.DATA_TYPE_FLOAT32}:
        raise InvalidVector(
            f"the vector's data type is {message.data_type}; this smserve reads DATA_TYPE_FLOAT32 (1)",
            field="vector.data_type",
        )
    wanted = message.dimension * _ITEM_BYTES
    if len(message.data) != wanted:
        raise InvalidVector(
            f"the vector has {len(message.data)} bytes of data and says D={message.dimension}; wanted "
            f"{wanted} bytes, {_ITEM_BYTES} a number",
            field="vector.data",
        )
    return np.frombuffer(message.data, dtype="<f4").astype(np.float32)
