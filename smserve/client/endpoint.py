"""A server as both clients know it: where it is, how to connect, what each call carries, what went wrong."""

from __future__ import annotations

from typing import Final

import grpc
import grpc.aio

from smserve.client.address import check_connection, may_be_several, target_of
from smserve.client.api_key import authorization
from smserve.client.channel import open_async_channel, open_channel
from smserve.client.failures import error_from_rpc
from smserve.client.tls import Tls
from smserve.errors import InvalidInput, SmserveError

__all__ = ["Endpoint"]


class Endpoint:
    """Checked when a client is made."""

    def __init__(self, address: str, *, timeout_s: float, tls: Tls | None, api_key: str | None, insecure: bool) -> None:
        """See `Client`."""
        check_connection(address, timeout_s)
        if tls is not None and tls.server_name is None and "," in address:
            raise InvalidInput(
                f"{address!r} are several servers, and TLS wants to know the name that their certificates have in "
                f"common; give it as server_name of tls (--tls-server-name)",
                field="tls.server_name",
            )
        self._address: Final = address
        self._target: Final = target_of(address)
        self._tls: Final = tls
        self._credentials: Final = None if tls is None else tls.credentials()
        self.metadata: Final = authorization(api_key, address, is_safe=tls is not None or insecure)

    def open(self, *, watch_health: bool = True) -> grpc.Channel:
        """Return a channel; it connects at the first call.

        Args:
            watch_health: Where there may be several servers, ask those whose health says SERVING.
        """
        several = watch_health and may_be_several(self._address)
        return open_channel(self._target, self._credentials, self._options(), watch_health=several)

    def open_async(self) -> grpc.aio.Channel:
        """Return a channel for the running event loop; it connects at the first call."""
        several = may_be_several(self._address)
        return open_async_channel(self._target, self._credentials, self._options(), watch_health=several)

    def error(self, error: grpc.RpcError, timeout_s: float | None) -> SmserveError:
        """Return our error for one of gRPC's; see `error_from_rpc`."""
        return error_from_rpc(error, self._address, timeout_s, self._tls)

    def _options(self) -> tuple[tuple[str, str], ...]:
        return () if self._tls is None else self._tls.options()
