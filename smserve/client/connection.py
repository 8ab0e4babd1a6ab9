"""A connection to one server: how it is named, called and closed."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import grpc

from smserve.client.channel import open_channel
from smserve.client.failures import error_from_rpc
from smserve.config import DEFAULT_HOST, DEFAULT_PORT
from smserve.errors import InvalidInput, Unavailable

__all__ = ["DEFAULT_ADDRESS", "Connection"]

DEFAULT_ADDRESS: Final = f"{DEFAULT_HOST}:{DEFAULT_PORT}"
_ADDRESS: Final = re.compile(r"[^\s/]+:\d{1,5}|unix:\S+|\w+:///\S+")

_Response = TypeVar("_Response")


class Connection:
    """Made at the first call; a context manager that closes it."""

    def __init__(self, address: str, *, timeout_s: float) -> None:
        """See `Client`."""
        if not _ADDRESS.fullmatch(address):
            raise InvalidInput(
                f"the server's address is {address!r}; wanted HOST:PORT, for example {DEFAULT_ADDRESS}",
                field="address",
            )
        if timeout_s <= 0:
            raise InvalidInput(f"timeout_s is {timeout_s}; wanted seconds above 0", field="timeout_s")
        self.address: Final = address
        self.timeout_s: Final = timeout_s
        self._closed = False
        self._channel = open_channel(address)

    def close(self) -> None:
        """Close the connection; calling it twice is harmless."""
        self._closed = True
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _call(self, method: Callable[..., _Response], request: Any, *, timeout_s: float | None = None) -> _Response:
        """Return the answer, or raise what the server raised; `timeout_s` is the connection's where not given."""
        if self._closed:
            raise Unavailable(f"this client of {self.address} is closed; make another one")
        timeout_s = self.timeout_s if timeout_s is None else timeout_s
        try:
            return method(request, timeout=timeout_s)
        except grpc.RpcError as error:
            raise error_from_rpc(error, self.address, timeout_s) from None
