"""A real server on a free loopback port."""

from collections.abc import Iterator
from contextlib import contextmanager

from smserve.engine import Engine
from smserve.server import Server, ServerSettings


@contextmanager
def running_server(engine: Engine, **settings: float) -> Iterator[Server]:
    """Serve `engine` inside the block."""
    with Server(ServerSettings(port=0, **settings)) as server:  # type: ignore[arg-type]  # test settings by name
        server.start(engine)
        yield server
