"""Requests that can't even be read: left to gRPC they would be INTERNAL, as if the server were at fault."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from google.protobuf.message import DecodeError

from smserve.errors import InvalidInput

__all__ = ["checked", "checked_each", "lenient"]


class _Unreadable:
    """Stands for a request that is none."""


def lenient(read: Callable[[bytes], Any] | None) -> Callable[[bytes], Any]:
    """Return a deserialiser that never raises, from one that does."""
    assert read is not None, "generated code has one"  # noqa: S101 - for the type checker

    def reading(data: bytes) -> Any:
        try:
            return read(data)
        except (DecodeError, ValueError):  # UnicodeDecodeError, for one
            return _Unreadable()

    return reading


def checked(request: Any) -> Any:
    """Return a request.

    Raises:
        InvalidInput: It could not be read.
    """
    if isinstance(request, _Unreadable):
        raise InvalidInput(
            "the request is no message of this method's type; make it with code generated from its proto"
        )
    return request


def checked_each(requests: Iterator[Any], permit: Callable[[], object]) -> Iterator[Any]:
    """Yield requests, each permitted anew: a key may be revoked while a stream is open; see `checked`."""
    for request in requests:
        permit()
        yield checked(request)
