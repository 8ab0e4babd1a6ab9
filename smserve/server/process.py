"""Serve until told to stop."""

import gc
import logging
import os
import signal
from collections.abc import Callable
from contextlib import ExitStack
from types import FrameType
from typing import TYPE_CHECKING, Final

from smserve.engine import Engine, use_few_threads
from smserve.server.memory import MemoryReport
from smserve.server.server import Server
from smserve.server.settings import ServerSettings
from smserve.server.signals import Signals

if TYPE_CHECKING:
    from smserve.server.observing.traces import Traces

__all__ = ["collect_rarely", "end_process", "serve", "warn_of_reach"]

_COLLECTED_AFTER: Final = 50_000  # objects made and not let go of
_log: Final = logging.getLogger(__name__)


def serve(
    settings: ServerSettings,
    open_engine: Callable[[], Engine],
    on_ready: Callable[[Server], None],
    *,
    foresee: Callable[[], MemoryReport] | None = None,
    traces: "Traces | None" = None,
) -> None:
    """Take the port, open the engine, serve until SIGTERM or SIGINT, and stop cleanly.

    The first signal drains (see `Server.stop`), a second one stops at once. SIGTERM before it answers ends the process
    with exit code 0. Must run in the main thread.

    Args:
        settings: How to serve.
        open_engine: Called once the port is taken, so that a taken port is known before a large gallery is read.
        on_ready: Called when the server answers.
        foresee: Called before `open_engine`: says how much memory will be taken, and raises where that can't fit.
        traces: Gets a span for each call.

    Raises:
        Unavailable: The port can't be taken.
        SmserveError: Whatever `foresee` and `open_engine` raise.
    """
    use_few_threads()
    with ExitStack() as undo:
        # The first process of a container has no default action: SIGTERM would be lost on it.
        undo.callback(signal.signal, signal.SIGTERM, signal.signal(signal.SIGTERM, end_process))
        server = undo.enter_context(Server(settings, traces=traces))

        memory = foresee() if foresee is not None else None
        engine = open_engine()
        collect_rarely()
        signals = undo.enter_context(Signals(signal.SIGTERM, signal.SIGINT))
        server.start(engine, memory)
        warn_of_reach(settings, server.address, server.metrics_url)
        if server.health_address is not None:
            _log.info("health alone is answered on %s, too", server.health_address)
        on_ready(server)
        signals.wait()
        _log.info(
            "stopping: draining for %g s, then up to %g s for running calls", settings.drain_delay, settings.grace_s
        )
        with signals.calling(server.hurry):
            server.stop()
    _log.info("stopped")


def warn_of_reach(settings: ServerSettings, address: str, metrics_url: str | None) -> None:
    """Log what other machines reach without being known."""
    if not settings.is_loopback and settings.security.insecure:
        _log.warning("%s is reached from other machines, and told not to mind (--insecure)", address)
    if settings.shows_metrics:
        _log.warning("%s is read by whoever reaches it, without a key", metrics_url)


def collect_rarely() -> None:
    """Leave what was loaded alone, and look for cycles every few hundred calls instead of every few.

    A call makes some hundred objects and no cycles; by default the collector runs after each 700.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECTED_AFTER, *gc.get_threshold()[1:])


def end_process(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - signal's signature
    """Handle SIGTERM where nothing is served yet: end at once, since what is on disk survives that at any time.

    An exception would be lost where Python ignores those, as in a finalizer that runs at that moment.
    """
    os._exit(0)
