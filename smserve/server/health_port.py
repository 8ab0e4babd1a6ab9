"""Health on a port of its own: Kubernetes' gRPC probes speak no TLS and send no keys."""

from concurrent import futures
from typing import Final

import grpc
from grpc_health.v1 import health_pb2_grpc  # type: ignore[import-untyped]  # ships no types

from smserve.errors import Unavailable
from smserve.server.health import Health

__all__ = ["HealthPort"]

_OPTIONS: Final = (("grpc.max_receive_message_length", 4096),)  # the name of a service


class HealthPort:
    """Answers health in plaintext, and nothing else, from when it is made until it is stopped."""

    def __init__(self, health: Health, host: str, port: int, *, share: bool = False) -> None:
        """Bind the port; with `share`, beside other processes that do so, too.

        Raises:
            Unavailable: The port is taken.
        """
        self._server = grpc.server(
            futures.ThreadPoolExecutor(2, thread_name_prefix="smserve-health"),
            options=(*_OPTIONS, ("grpc.so_reuseport", int(share))),
        )
        health_pb2_grpc.add_HealthServicer_to_server(health, self._server)
        try:
            self.port: Final[int] = self._server.add_insecure_port(f"{host}:{port}")
        except RuntimeError:
            raise Unavailable(
                f"can't listen on {host}:{port} for health; the port is in use: choose another with --health-port"
            ) from None
        self._server.start()

    def stop(self) -> None:
        """Answer no more; returns at once."""
        self._server.stop(0)
