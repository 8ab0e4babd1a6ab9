"""grpc.health.v1.Health, as its library has it, without a deadlock, and with an end."""

from collections.abc import Callable
from threading import RLock
from typing import Any, Final

import grpc
from grpc_health.v1 import health, health_pb2  # type: ignore[import-untyped]  # ships no types

__all__ = ["Health"]

_Send = Callable[[Any], None]


class Health(health.HealthServicer):  # type: ignore[misc]  # see above
    """Check and Watch; a watcher takes no thread.

    The library's own (grpcio-health-checking 1.85) tells watchers what is new with its lock held, and waits until it is
    sent. The thread that sends waits for the same lock when a watcher leaves at that moment, and both stand still for
    ever. Here one lock keeps the order of what is sent and another one the watchers, which nobody holds while sending.
    """

    def __init__(self) -> None:
        """Begin with SERVING for the whole server, as the library does."""
        super().__init__()
        self._sending: Final = RLock()

    def Watch(  # noqa: N802 - named by the proto
        self, request: health_pb2.HealthCheckRequest, context: grpc.ServicerContext, send_response_callback: _Send
    ) -> None:
        """Send the status now, and whenever it changes."""
        service, unknown = request.service, health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
        with self._sending:
            with self._lock:
                status = self._server_status.get(service, unknown)
                self._send_response_callbacks.setdefault(service, set()).add(send_response_callback)
            if not context.add_callback(self._forgets(service, send_response_callback)):
                self._forgets(service, send_response_callback)()  # gone already
                return
            send_response_callback(health_pb2.HealthCheckResponse(status=status))

    Watch.experimental_non_blocking = True  # type: ignore[attr-defined]  # how the library tells grpc to keep no thread

    def set(self, service: str, status: "health_pb2.HealthCheckResponse.ServingStatus") -> None:
        """Set the status of a service, and tell who watches it; without effect once the server stops."""
        with self._sending:
            with self._lock:
                if self._gracefully_shutting_down:
                    return
                self._server_status[service] = status
                watchers = tuple(self._send_response_callbacks.get(service, ()))
            for send in watchers:
                send(health_pb2.HealthCheckResponse(status=status))

    def enter_graceful_shutdown(self) -> None:
        """Say NOT_SERVING for every service from now on."""
        with self._sending:
            for service in tuple(self._server_status):
                self.set(service, health_pb2.HealthCheckResponse.NOT_SERVING)
            with self._lock:
                self._gracefully_shutting_down = True

    def end_watches(self) -> None:
        """End every watcher's stream, so that a server that stops need not wait for it."""
        with self._sending:
            with self._lock:
                watchers = [send for sends in self._send_response_callbacks.values() for send in sends]
            for send in watchers:
                send(None)

    def _forgets(self, service: str, send: _Send) -> Callable[[], None]:
        def forget() -> None:
            with self._lock:
                self._send_response_callbacks[service].discard(send)

        return forget
