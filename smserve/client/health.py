"""What a server says of its health: grpc.health.v1, which wants no key."""

from __future__ import annotations

from typing import Final

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped]  # ships no types

from smserve.client.endpoint import Endpoint
from smserve.client.tls import Tls

__all__ = ["READY", "check_health"]

READY: Final = "smserve.v1.RetrievalService"
"""The service that is SERVING once model and galleries are loaded, until the server is told to stop."""


def check_health(address: str, service: str = READY, *, timeout_s: float, tls: Tls | None = None) -> str:
    """Return a service's status: "SERVING", "NOT_SERVING" or "UNKNOWN".

    Args:
        address: HOST:PORT, of the server or of its health port.
        service: Its full name; empty for the server as a whole.
        timeout_s: Longest time to wait.
        tls: None for plaintext, as the health port speaks.

    Raises:
        Unavailable: Nobody answers there.
        SmserveError: The service is not known.
    """
    endpoint = Endpoint(address, timeout_s=timeout_s, tls=tls, api_key=None, insecure=False)
    with endpoint.open(watch_health=False) as channel:
        check = health_pb2_grpc.HealthStub(channel).Check
        try:
            answer = check(health_pb2.HealthCheckRequest(service=service), timeout=timeout_s)
        except grpc.RpcError as error:
            raise endpoint.error(error, timeout_s) from None
    return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))
