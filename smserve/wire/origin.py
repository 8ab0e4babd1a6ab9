"""What a reply was made with, and which parts of an item it carries."""

import json
from collections.abc import Mapping
from typing import Any

from smserve.types import FieldMask, Payload
from smserve.v1 import types_pb2

__all__ = ["fields_from_proto", "fields_to_proto", "origin_to_proto", "payload_from_proto", "payload_to_proto"]


def origin_to_proto(model_fingerprint: str, gallery: str = "", generation: int = 0) -> types_pb2.Origin:
    """Name the model and, where one had a part, the gallery."""
    return types_pb2.Origin(model_fingerprint=model_fingerprint, gallery=gallery, generation=generation)


def fields_to_proto(fields: FieldMask) -> types_pb2.FieldMask:
    """Convert a mask."""
    return types_pb2.FieldMask(
        payload=fields.payload, vector=fields.vector, thumbnail=fields.thumbnail, payload_keys=fields.payload_keys
    )


def fields_from_proto(message: types_pb2.FieldMask, *, given: bool) -> FieldMask:
    """Convert a mask; one that was not given means the default, payload alone."""
    if not given:
        return FieldMask()
    return FieldMask(
        payload=message.payload,
        vector=message.vector,
        thumbnail=message.thumbnail,
        payload_keys=tuple(message.payload_keys),
    )


def payload_to_proto(payload: Mapping[str, Any]) -> bytes:
    """Return a JSON object in UTF-8; nothing for an empty one."""
    if isinstance(payload, Payload):
        return payload.text.encode() if payload else b""
    return json.dumps(dict(payload), ensure_ascii=False, allow_nan=False).encode() if payload else b""


def payload_from_proto(data: bytes) -> Mapping[str, Any]:
    """Read what `payload_to_proto` wrote."""
    return dict(json.loads(data)) if data else {}
