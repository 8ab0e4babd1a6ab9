"""Packed vectors: little-endian float32, counted."""

import numpy as np
import pytest

from smserve.errors import InvalidVector
from smserve.v1 import types_pb2
from smserve.wire.vectors import vector_from_proto, vector_to_proto


def test_bytes_by_hand() -> None:
    message = vector_to_proto(np.array([1.0, -2.0], np.float32))
    assert message.data == bytes.fromhex("0000803f 000000c0")
    assert message.dimension == 2
    assert message.data_type == types_pb2.DATA_TYPE_FLOAT32


def test_every_float_comes_back() -> None:
    vector = np.array([0.1, -0.0, 1e-45, 3.4e38, np.inf, np.nan], np.float32)
    assert vector_from_proto(vector_to_proto(vector)).tobytes() == vector.tobytes()


def test_an_unspecified_type_is_float32() -> None:
    message = types_pb2.Vector(data=bytes.fromhex("0000803f"), dimension=1)
    assert vector_from_proto(message).tolist() == [1.0]


@pytest.mark.parametrize("size", [0, 7, 9, 12])
def test_a_wrong_byte_count_is_named(size: int) -> None:
    with pytest.raises(InvalidVector, match=f"the vector has {size} bytes of data and says D=2; wanted 8 bytes"):
        vector_from_proto(types_pb2.Vector(data=bytes(size), dimension=2))


def test_an_unknown_type_is_named() -> None:
    message = types_pb2.Vector(data=bytes(4), dimension=1)
    message.data_type = 9  # type: ignore[assignment]  # what a newer client might send
    with pytest.raises(InvalidVector, match="data type is 9"):
        vector_from_proto(message)
