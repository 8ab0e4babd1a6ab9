"""One of several processes that answer on one port."""

import logging
import os
import signal
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from smserve.engine import Engine, use_few_threads
from smserve.errors import SmserveError
from smserve.server.memory import MemoryReport
from smserve.server.process import collect_rarely, end_process
from smserve.server.server import Server
from smserve.server.settings import ServerSettings
from smserve.server.signals import Signals
from smserve.server.workers.channel import Order, Report, WorkerEnd

if TYPE_CHECKING:
    from smserve.server.observing.traces import Traces

__all__ = ["work"]

_log: Final = logging.getLogger(__name__)


def work(
    settings: ServerSettings,
    open_engine: Callable[[], Engine],
    open_traces: Callable[[], "Traces | None"],
    memory: MemoryReport,
    cores: frozenset[int] | None,
    end: WorkerEnd,
) -> int:
    """Load, wait for the order to serve, answer until SIGTERM or the supervisor's end; returns the exit code.

    It takes the port when it is to serve and not before: what listens gets connections, whether it answers or not.
    SIGINT is left to the supervisor, since a terminal sends it to all. A second SIGTERM changes nothing, since a
    service manager may send one to all beside the supervisor's; the order to hurry does.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, end_process)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})
    try:
        if cores is not None:
            os.sched_setaffinity(0, cores)
        use_few_threads()
        traces = open_traces()
        engine = open_engine()
        collect_rarely()
        end.tell(Report(loaded=True))
        if end.next_order() is not Order.SERVE:
            engine.close()
            return 0
        _serve(settings, engine, traces, memory, end)
    except SmserveError as error:
        end.tell(Report(failure=error.message))
        return 1
    except Exception as error:  # noqa: BLE001 - nobody above: the process ends here
        _log.exception("this worker has failed")
        end.tell(Report(failure=f"{type(error).__name__}: {error}"))
        return 1
    return 0


def _serve(
    settings: ServerSettings, engine: Engine, traces: "Traces | None", memory: MemoryReport, end: WorkerEnd
) -> None:
    with Server(settings, traces=traces) as server, Signals(signal.SIGTERM) as signals:

        def listen() -> None:
            while (order := end.next_order()) is not None:
                if order is Order.HURRY:
                    server.hurry()

        server.start(engine, memory)
        end.tell(Report(serving=True, metrics_url=server.metrics_url))
        signals.wait(end.descriptor)  # the supervisor orders nothing but to hurry any more, or is gone
        threading.Thread(target=listen, name="smserve-orders", daemon=True).start()
        server.stop()
