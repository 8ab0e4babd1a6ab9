"""Answers that gRPC would not send are refused before."""

import pytest

from smserve.config import MAX_MESSAGE_BYTES
from smserve.errors import MessageTooLarge
from smserve.v1 import types_pb2
from smserve.wire.size import check_size


def test_the_limit_is_the_one_of_the_channel() -> None:
    overhead = types_pb2.Vector(data=bytes(MAX_MESSAGE_BYTES)).ByteSize() - MAX_MESSAGE_BYTES
    check_size(types_pb2.Vector(data=bytes(MAX_MESSAGE_BYTES - overhead)))
    with pytest.raises(MessageTooLarge, match="has 16,777,217 bytes, over the limit of 16,777,216"):
        check_size(types_pb2.Vector(data=bytes(MAX_MESSAGE_BYTES - overhead + 1)))
