"""How both clients connect: limits, keepalive, and retries of what may be retried."""

import json
from typing import Final

import grpc
import grpc.aio

from smserve.client.talk import GALLERY, RETRIEVAL
from smserve.config import MAX_MESSAGE_BYTES

__all__ = ["open_async_channel", "open_channel"]

Options = tuple[tuple[str, str], ...]

_PACKAGE: Final = "smserve.v1"
_RETRIED: Final = (
    # What only reads, and writes that carry a request id. Not what would answer
    # differently the second time: RollBack undoes itself, and who creates, drops or activates twice gets a refusal.
    # Nor streams: a retried call with many answers never ends, not even at its deadline, once the server is killed.
    *((RETRIEVAL, method) for method in ("Search", "BatchSearch", "Embed", "Compare", "GetServerInfo")),
    *((GALLERY, method) for method in ("ListGalleries", "GetGallery", "GetItem", "ListItems", "CountItems")),
    *((GALLERY, method) for method in ("UpsertItems", "DeleteItems")),
    *((GALLERY, method) for method in ("ListGenerations", "VerifyGallery", "ListModels")),
)

_SERVICE_CONFIG: Final = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "methodConfig": [
        {
            "name": [{"service": f"{_PACKAGE}.{service}", "method": method} for service, method in _RETRIED],
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.05s",
                "maxBackoff": "1s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ],
    # A try that failed takes one, an answer gives a tenth; below half nothing is tried again. So the calls that were on
    # their way to one dead server, up to 50, are, and a service that is down is not asked four times by everybody.
    "retryThrottling": {"maxTokens": 100, "tokenRatio": 0.1},
}
"""No deadlines: it is read once a name is resolved, and that has to end in time, too. Each call has its own."""

_WATCHED: Final = {**_SERVICE_CONFIG, "healthCheckConfig": {"serviceName": f"{_PACKAGE}.{RETRIEVAL}"}}
"""Of several servers those are asked whose health says SERVING: one that is told to stop gets no new calls."""

_OPTIONS: Final = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.keepalive_time_ms", 30_000),  # the server allows a ping every 10 s
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.initial_reconnect_backoff_ms", 100),  # by default 1 s, by which a call has had its tries
    ("grpc.max_reconnect_backoff_ms", 5_000),  # by default 2 minutes, in which a server that is back looks away
)


def _options(options: Options, *, watch_health: bool) -> tuple[tuple[str, str | int], ...]:
    return (*_OPTIONS, ("grpc.service_config", json.dumps(_WATCHED if watch_health else _SERVICE_CONFIG)), *options)


def open_channel(
    target: str, credentials: grpc.ChannelCredentials | None, options: Options = (), *, watch_health: bool = False
) -> grpc.Channel:
    """Return a channel to one server, or to several, which get calls by turns.

    It connects at the first call, in plaintext without credentials.

    Args:
        target: As gRPC takes it.
        credentials: Of TLS.
        options: Further ones of gRPC.
        watch_health: Ask only servers whose health says SERVING.
    """
    all_options = _options(options, watch_health=watch_health)
    if credentials is None:
        return grpc.insecure_channel(target, options=all_options)
    return grpc.secure_channel(target, credentials, options=all_options)


def open_async_channel(
    target: str, credentials: grpc.ChannelCredentials | None, options: Options = (), *, watch_health: bool = False
) -> grpc.aio.Channel:
    """Return such a channel for the running event loop; see `open_channel`."""
    all_options = _options(options, watch_health=watch_health)
    if credentials is None:
        return grpc.aio.insecure_channel(target, options=all_options)
    return grpc.aio.secure_channel(target, credentials, options=all_options)
