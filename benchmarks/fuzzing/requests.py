"""Random requests to every rpc of the protocol: any value in any field, wrong vectors, unknown fields, no protobuf."""

import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message

from smserve.v1 import gallery_pb2, retrieval_pb2, types_pb2

__all__ = ["Call", "random_calls", "refusals"]

_UNKNOWN_FIELDS: Final = bytes.fromhex("c23e05") + b"hello" + bytes.fromhex("c83e2a")  # 1000: bytes, 1001: varint
_NUMBERS: Final = (0, 1, 2, 10, 64, 1000, 1001, 2**31 - 1, 10**9, 2**32 - 1, 2**63 - 1, -1, -(2**31), -(2**63))
_FLOATS: Final = (0.0, -0.0, 0.5, -1.0, 1.0, 1e30, -1e30, float("nan"), float("inf"), float("-inf"), 1e-45)
_TEXTS: Final = (
    "",
    "g",
    "a",
    "0.png",
    "../../etc/passwd",
    "\0",
    "ä" * 300,
    "🙂",
    "x" * 20_000,
    'label = "a"',
    'label = "a" and (price < 3 or not exists(b))',
    'label in ("a", "b"',
    "(" * 3000,
    "not " * 3000 + "exists(a)",
    "price > 1e999",
    "0" * 64,
)


class Call(NamedTuple):
    """A call to make.

    Attributes:
        method: What is called.
        requests: Serialised; one, or more where the caller streams.
    """

    method: MethodDescriptor
    requests: Sequence[bytes]


def random_calls(count: int, pictures: Sequence[bytes], random: np.random.Generator) -> Iterator[Call]:
    """Yield so many calls, to each rpc about as often."""
    methods = [
        method
        for file in (retrieval_pb2, gallery_pb2)
        for service in file.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    ]
    maker = _Maker(pictures, random)
    for number in range(count):
        method = methods[number % len(methods)]
        requests = int(random.integers(1, 6)) if method.client_streaming else 1
        yield Call(method, [maker.serialized(method) for _ in range(requests)])


def refusals(message: Message) -> Iterator[types_pb2.ItemError]:
    """Yield the errors of single items that a reply carries."""
    if isinstance(message, types_pb2.ItemError):
        yield message
        return
    for field, value in message.ListFields():
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            for each in value if field.is_repeated else [value]:
                yield from refusals(each)


class _Maker:
    """Makes requests."""

    def __init__(self, pictures: Sequence[bytes], random: np.random.Generator) -> None:
        self._pictures: Final = pictures
        self._random: Final = random
        self._scalars: Final[dict[int, Callable[[], Any]]] = {
            FieldDescriptor.CPPTYPE_BOOL: lambda: bool(random.integers(2)),
            FieldDescriptor.CPPTYPE_FLOAT: lambda: self._one_of(_FLOATS),
            FieldDescriptor.CPPTYPE_DOUBLE: lambda: self._one_of(_FLOATS),
            FieldDescriptor.CPPTYPE_ENUM: lambda: int(random.integers(0, 4)),
            FieldDescriptor.CPPTYPE_INT32: lambda: self._number(-(2**31), 2**31),
            FieldDescriptor.CPPTYPE_INT64: lambda: self._number(-(2**63), 2**63),
            FieldDescriptor.CPPTYPE_UINT32: lambda: self._number(0, 2**32),
            FieldDescriptor.CPPTYPE_UINT64: lambda: self._number(0, 2**64),
        }

    def serialized(self, method: MethodDescriptor) -> bytes:
        """Return a request of a method; one in ten has unknown fields, one in ten is no protobuf at all."""
        message = message_factory.GetMessageClass(method.input_type)()
        self._fill(message)
        data = message.SerializeToString()
        kind = self._random.random()
        if kind < 0.1:
            return bytes(data + _UNKNOWN_FIELDS)
        if kind < 0.2:
            return self._random.bytes(int(self._random.integers(1, 60)))
        return bytes(data)

    def _fill(self, message: Message) -> None:
        if isinstance(message, types_pb2.Vector):
            self._fill_vector(message)
            return
        for field in message.DESCRIPTOR.fields:
            if self._random.random() < 0.35:
                continue
            if field.is_repeated:
                self._fill_repeated(message, field)
            elif field.type == FieldDescriptor.TYPE_MESSAGE:
                part = getattr(message, field.name)
                part.SetInParent()
                self._fill(part)
            else:
                setattr(message, field.name, self._scalar(field))

    def _fill_repeated(self, message: Message, field: Any) -> None:
        values = getattr(message, field.name)
        for _ in range(int(self._one_of((0, 1, 2, 3, 70)))):
            if field.type == FieldDescriptor.TYPE_MESSAGE:
                self._fill(values.add())
            else:
                values.append(self._scalar(field))

    def _fill_vector(self, vector: types_pb2.Vector) -> None:
        """Fill a vector: sound, of another length, of zeros, of no numbers, or of a length that is not there."""
        length = int(self._one_of((8, 8, 8, 7, 0, 2048)))
        numbers = self._random.standard_normal(length).astype("<f4")
        if length and self._random.random() < 0.5:
            numbers[:] = self._one_of((0.0, np.nan, np.inf, 1e38, 1e-45))
        vector.data = numbers.tobytes() + self._one_of((b"", b"", b"\0"))
        vector.dimension = int(self._one_of((length, length, 8, 2**32 - 1)))
        vector.data_type = self._one_of((0, 1, 1, 7))

    def _scalar(self, field: Any) -> Any:
        if field.type == FieldDescriptor.TYPE_STRING:
            return self._one_of(_TEXTS)
        if field.type == FieldDescriptor.TYPE_BYTES:
            return self._one_of((b"", b"{}", b'{"a": 1}', b"{" * 5000, struct.pack("<d", 1), *self._pictures))
        return self._scalars[field.cpp_type]()

    def _number(self, least: int, end: int) -> int:
        return int(self._one_of([number for number in _NUMBERS if least <= number < end]))

    def _one_of(self, values: Sequence[Any]) -> Any:
        return values[int(self._random.integers(len(values)))]
