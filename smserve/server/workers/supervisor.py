"""The process that starts the workers and looks after them."""

import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from smserve.engine import Engine
from smserve.errors import InvalidInput
from smserve.server.memory import MemoryReport
from smserve.server.process import end_process, warn_of_reach
from smserve.server.security import Access
from smserve.server.security.tls import Certificates
from smserve.server.settings import ServerSettings
from smserve.server.signals import Signals
from smserve.server.workers.child import Child
from smserve.server.workers.cores import share_of
from smserve.server.workers.crew import Crew
from smserve.server.workers.port import ReservedPort
from smserve.server.workers.restarts import RestartPolicy
from smserve.server.workers.worker import work

if TYPE_CHECKING:
    from smserve.server.observing.traces import Traces

__all__ = ["supervise"]

_log: Final = logging.getLogger(__name__)


def supervise(
    workers: int,
    settings: ServerSettings,
    open_engine: Callable[[], Engine],
    on_ready: Callable[[str, Sequence[str]], None],
    *,
    foresee: Callable[[], MemoryReport] = MemoryReport,
    open_traces: "Callable[[], Traces | None]" = lambda: None,
    policy: RestartPolicy | None = None,
    pinned: bool = False,
) -> None:
    """Serve on one port by several processes until SIGTERM or SIGINT, and stop cleanly.

    None serves before all have loaded. The first signal drains them all, a second one stops them at once. One that dies
    is started again, by the policy. SIGTERM before they serve ends all with exit code 0. Must run in the main thread of
    a process that has made no object of gRPC.

    Args:
        workers: How many.
        settings: Of each; metrics are at metrics_port and the ports after it, one for each worker.
        open_engine: Called in each worker; it must open for reading, since a gallery has one writer.
        on_ready: Called with HOST:PORT, and where each worker is scraped, when all of them serve.
        foresee: Called once the ports are taken: says how much memory each worker will take, and raises where
            that of all can't fit.
        open_traces: Called in each worker; what it makes gets a span for each call.
        policy: When a worker that has died is started again.
        pinned: Each keeps to its share of the cores.

    Raises:
        InvalidInput: This system can't do it, or a certificate, a key or the file of keys can't be used.
        Unavailable: A port can't be taken.
        SmserveError: A worker could not begin, with its message; or one was given up; or what `foresee` raises.
    """
    if sys.platform != "linux":
        raise InvalidInput(
            f"{workers} workers want Linux, which spreads connections over processes, and this is {sys.platform}; "
            f"serve with one",
            field="workers",
        )
    Access(settings.security)  # what is wrong with keys and certificates is said before a large gallery is read
    Certificates.of(settings.security)
    with ExitStack() as held:
        held.callback(signal.signal, signal.SIGTERM, signal.signal(signal.SIGTERM, end_process))
        settings = _with_reserved_ports(settings, held)

        def begun(children: Sequence[Child]) -> None:
            address = f"{settings.host}:{settings.port}"
            urls = [child.metrics_url for child in children if child.metrics_url is not None]
            warn_of_reach(settings, address, ", ".join(urls))
            if settings.security.health_port is not None:
                _log.info("health alone is answered on %s:%d, too", settings.host, settings.security.health_port)
            _log.info("%d workers serve, processes %s", workers, ", ".join(str(child.pid) for child in children))
            on_ready(address, urls)

        memory, cores = foresee(), sorted(os.sched_getaffinity(0))
        runs = [
            partial(
                work,
                _of_worker(settings, number),
                open_engine,
                open_traces,
                memory,
                share_of(cores, number, workers) if pinned else None,
            )
            for number in range(workers)
        ]
        with Signals(signal.SIGTERM, signal.SIGINT) as signals:
            Crew(runs, signals, policy or RestartPolicy()).run(begun)
    _log.info("stopped")


def _with_reserved_ports(settings: ServerSettings, held: ExitStack) -> ServerSettings:
    """Return settings with the real ports, which others don't get as long as they are held."""
    port = held.enter_context(closing(ReservedPort(settings.host, settings.port)))
    security = settings.security
    if security.health_port is not None:
        health = held.enter_context(closing(ReservedPort(settings.host, security.health_port, option="--health-port")))
        security = replace(security, health_port=health.port)
    return replace(settings, port=port.port, share_port=True, security=security)


def _of_worker(settings: ServerSettings, number: int) -> ServerSettings:
    """Return the settings of one of them, from 0."""
    return replace(settings, metrics_port=settings.metrics_port + number) if settings.metrics_port else settings
