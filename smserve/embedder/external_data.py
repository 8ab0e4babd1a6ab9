"""Numbers of a model that lie in other files: the fingerprint does not cover them, and a model could name any file.

Both runtimes look for them in the current folder when a model comes as bytes, so the file's messages are walked before
they see it. The numbers of the fields are those of onnx.proto.
"""

from collections.abc import Mapping
from typing import Final

from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

__all__ = ["names_other_files"]

_PARTS: Final[Mapping[str, Mapping[int, str]]] = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse tensor"},
    "function": {7: "node"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse tensor", 23: "sparse tensor"},
    "sparse tensor": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
_LENGTH_DELIMITED: Final = 2
_EXTERNAL_DATA: Final = 13
_DATA_LOCATION: Final = 14


def names_other_files(model: bytes) -> bool:
    """Whether a tensor of a serialised ONNX model lies outside of it; False for what is no ONNX model."""
    try:
        return _names_other_files(model, "model")
    except DecodeError:
        return False
    except RecursionError:  # graphs within graphs beyond all sense
        return True


def _names_other_files(data: bytes, kind: str) -> bool:
    parts = _PARTS[kind]
    fields = UnknownFieldSet(Empty.FromString(data))  # read without the message's own description
    for field in map(fields.__getitem__, range(len(fields))):
        if kind == "tensor" and (
            field.field_number == _EXTERNAL_DATA or (field.field_number, field.data) == (_DATA_LOCATION, 1)
        ):
            return True
        part = parts.get(field.field_number)
        if part and field.wire_type == _LENGTH_DELIMITED and _names_other_files(field.data, part):
            return True
    return False
