"""A real server on a free loopback port, in this process or in one of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from smserve.engine import Engine
from smserve.server import Server, ServerSettings


@contextmanager
def running_server(engine: Engine, **settings: Any) -> Iterator[Server]:
    """Serve `engine` inside the block."""
    with Server(ServerSettings(port=0, **settings)) as server:
        server.start(engine)
        yield server


@contextmanager
def serving(
    *arguments: object, environment: Mapping[str, str] | None = None
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run `smserve serve` and yield the process and its address; at the end its workers are killed with it."""
    command = [str(Path(sys.executable).with_name("smserve")), "serve", "--port", "0", *map(str, arguments)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()  # ends at the latest when the process does
            assert line.startswith("listening on 127.0.0.1:"), process.communicate(timeout=10)
            yield process, line.split()[-1]
        finally:
            with suppress(ProcessLookupError):  # a worker that outlived it would hold its pipes open
                os.killpg(process.pid, signal.SIGKILL)
