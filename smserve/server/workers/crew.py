"""The workers of a supervisor: begun together, started anew one by one, ended together."""

import logging
import select
import time
from collections.abc import Callable, Sequence
from typing import Final

from smserve.errors import SmserveError
from smserve.server.signals import Signals
from smserve.server.workers.channel import Order, WorkerEnd
from smserve.server.workers.child import Child
from smserve.server.workers.restarts import RestartPolicy, Restarts

__all__ = ["Crew"]

_log: Final = logging.getLogger(__name__)


class Crew:
    """Single-threaded: it waits for what the workers tell, for their ends, and for signals."""

    def __init__(self, runs: Sequence[Callable[[WorkerEnd], int]], signals: Signals, policy: RestartPolicy) -> None:
        """Start nothing yet.

        Args:
            runs: What each worker's process does; returns its exit code.
            signals: The first one drains all, a second one stops them at once.
            policy: When one that has died is started again.
        """
        self._workers: Final = [_Worker(f"worker {number}", run, policy) for number, run in enumerate(runs, 1)]
        self._signals: Final = signals
        self._has_begun = False
        self._is_stopping = False
        self._failure: SmserveError | None = None

    def run(self, on_ready: Callable[[Sequence[Child]], None]) -> None:
        """Run the workers until all have ended.

        Args:
            on_ready: Called when all of them serve.

        Raises:
            SmserveError: One could not begin, or was given up.
        """
        for worker in self._workers:
            self._begin(worker)
        while any(worker.is_wanted for worker in self._workers):
            self._wait()
            for worker in self._workers:
                if worker.due_s is not None and worker.due_s <= time.monotonic():
                    self._begin(worker)
            self._let_serve()
            children = [child for _, child in self._running()]
            if not self._has_begun and len(children) == len(self._workers) and all(map(Child.serves, children)):
                self._has_begun = True
                on_ready(children)
        if self._failure is not None:
            raise self._failure

    def _running(self) -> list[tuple["_Worker", Child]]:
        return [(worker, worker.child) for worker in self._workers if worker.child is not None]

    def _begin(self, worker: "_Worker") -> None:
        worker.due_s = None
        strangers = [each for _, child in self._running() for each in child.descriptors]
        worker.child = Child(worker.run, [*strangers, *self._signals.descriptors])

    def _wait(self) -> None:
        """Wait until something happens, and see to it."""
        running = self._running()
        dues = [worker.due_s for worker in self._workers if worker.due_s is not None]
        timeout_s = max(0.0, min(dues) - time.monotonic()) if dues else None
        watched = [self._signals.descriptor, *(child.reports for _, child in running)]
        ready, _, _ = select.select(watched, [], [], timeout_s)
        if self._signals.descriptor in ready:
            for _ in range(self._signals.take()):
                self._stop()
        for worker, child in running:
            if child.reports in ready:
                served = child.serves()
                if child.listen():
                    self._ended(worker, child)
                elif self._has_begun and child.serves() and not served:
                    _log.info("%s serves again, process %d", worker.name, child.pid)

    def _let_serve(self) -> None:
        """Let those that have loaded take the port; in the beginning, all together."""
        loaded = [child for _, child in self._running() if child.has_loaded and not child.may_serve]
        if self._has_begun or len(loaded) == len(self._workers):
            for child in loaded:
                child.order(Order.SERVE)

    def _ended(self, worker: "_Worker", child: Child) -> None:
        worker.child = None
        served_s, end = child.served_s(), child.wait()
        if self._is_stopping:
            if end:
                _log.warning("%s (process %d) did not stop cleanly: %s", worker.name, child.pid, end)
            return
        end = child.failure or end or "it ended by itself"
        if not self._has_begun:
            self._failure = SmserveError(
                child.failure or f"{worker.name} died before it served: {end}; see its log above"
            )
            self._stop()
            return
        delay_s = worker.restarts.after(served_s)
        if delay_s is not None:
            _log.error("%s (process %d) died: %s; it is started again in %g s", worker.name, child.pid, end, delay_s)
            worker.due_s = time.monotonic() + delay_s
            return
        _log.error("%s (process %d) died: %s; it is given up, and with it the server", worker.name, child.pid, end)
        self._failure = SmserveError(
            f"{worker.name} died {worker.restarts.in_a_row} times in a row, the last time after {served_s:.0f} s: "
            f"{end}; see its log above, and start the server again once that is mended"
        )
        self._stop()

    def _stop(self) -> None:
        """Drain all; the second time, stop them at once."""
        _log.info("stopping all workers%s", " at once" if self._is_stopping else "")
        for _, child in self._running():
            if self._is_stopping:
                child.order(Order.HURRY)
            else:
                child.terminate()
        self._is_stopping = True
        for worker in self._workers:
            worker.due_s = None


class _Worker:
    """A place among the workers, and the process that has it."""

    def __init__(self, name: str, run: Callable[[WorkerEnd], int], policy: RestartPolicy) -> None:
        self.name: Final = name
        self.run: Final = run
        self.restarts: Final = Restarts(policy)
        self.child: Child | None = None
        self.due_s: float | None = None  # when it is started again, on the monotonic clock

    @property
    def is_wanted(self) -> bool:
        """Whether it runs, or will."""
        return self.child is not None or self.due_s is not None
