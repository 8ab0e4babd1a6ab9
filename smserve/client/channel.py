"""How a client connects: limits, keepalive, and retries of what may be retried."""

import json
from typing import Final

import grpc

from smserve.config import MAX_MESSAGE_BYTES

__all__ = ["open_channel"]

_GALLERY: Final = "smserve.v1.GalleryService"
_RETRIED: Final = [  # what only reads, and writes that carry a request id; not RollBack, which undoes itself
    {"service": "smserve.v1.RetrievalService"},
    *(
        {"service": _GALLERY, "method": method}
        for method in ("ListGalleries", "GetItem", "ListItems", "CountItems", "UpsertItems", "DeleteItems")
    ),
]

_SERVICE_CONFIG: Final = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "methodConfig": [
        {
            "name": _RETRIED,
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.05s",
                "maxBackoff": "1s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ],
    "retryThrottling": {"maxTokens": 10, "tokenRatio": 0.1},
}

_OPTIONS: Final = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.keepalive_time_ms", 30_000),  # the server allows a ping every 10 s
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
)


def open_channel(address: str) -> grpc.Channel:
    """Return a channel to HOST:PORT; it connects at the first call."""
    return grpc.insecure_channel(address, options=_OPTIONS)
