"""A real server on a free loopback port."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from smserve.engine import Engine
from smserve.server import Server, ServerSettings


@contextmanager
def running_server(engine: Engine, **settings: Any) -> Iterator[Server]:
    """Serve `engine` inside the block."""
    with Server(ServerSettings(port=0, **settings)) as server:
        server.start(engine)
        yield server
