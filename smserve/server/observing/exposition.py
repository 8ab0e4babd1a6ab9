"""Where Prometheus scrapes: an HTTP endpoint of its own, beside the gRPC port."""

import threading
from typing import Final

from prometheus_client import CollectorRegistry, start_http_server

from smserve.errors import Unavailable

__all__ = ["MetricsEndpoint"]


class MetricsEndpoint:
    """Answers from the moment that it is made until `close`.

    Attributes:
        url: To be scraped, with the real port.
    """

    def __init__(self, registry: CollectorRegistry, host: str, port: int) -> None:
        """Take the port; 0 takes a free one.

        Raises:
            Unavailable: It is taken, or the host is none of this machine's.
        """
        try:
            self._server, self._thread = start_http_server(port, host.strip("[]"), registry)
        except OSError as error:
            raise Unavailable(
                f"can't listen for scrapes on {host}:{port} ({error.strerror}); choose another port with "
                f"--metrics-port (0 takes a free one) and --metrics-host"
            ) from None
        self._closing: Final = threading.Lock()
        self.url: Final = f"http://{host}:{self._server.server_port}/metrics"

    def close(self) -> None:
        """Let go of the port; calling it twice is harmless."""
        with self._closing:
            if self._thread.is_alive():
                self._server.shutdown()
                self._server.server_close()
                self._thread.join()
