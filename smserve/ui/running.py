"""The page's own server, on this machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import uvicorn

from smserve.client import Client
from smserve.errors import InvalidInput
from smserve.ui.application import make_application

__all__ = ["LOOPBACK", "serve_page"]

LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


class _Announcing(uvicorn.Server):
    """Says where it listens, once it does."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[str], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        await super().startup(sockets)  # type: ignore[arg-type]
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            self._announce(f"http://{f'[{host}]' if ':' in host else host}:{port}/")


def serve_page(
    client: Client, *, host: str, port: int, announce: Callable[[str], None], log_level: str = "critical"
) -> None:
    """Serve the page until the process is told to stop.

    Args:
        client: Speaks to the server that the page shows.
        host: To listen on.
        port: 0 for a free one.
        announce: Called with the page's address, once it answers.
        log_level: Of the page's own server; "info" logs each request.

    Raises:
        InvalidInput: It can't listen there.
    """
    hosts = [*LOOPBACK, "[::1]"] if host in LOOPBACK else ["*"]
    config = uvicorn.Config(
        make_application(client, hosts=hosts),
        host=host,
        port=port,
        log_level=log_level,
        lifespan="off",
        timeout_graceful_shutdown=5,
    )
    server = _Announcing(config, announce)
    try:
        server.run()
    except KeyboardInterrupt:
        return
    except SystemExit:
        if server.started:
            raise
        raise InvalidInput(
            f"the page can't listen on {host}:{port}: the port is taken, or the address is none of this machine; name "
            f"another with --port or --host",
            field="port",
        ) from None
