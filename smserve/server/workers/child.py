"""A worker as its supervisor sees it: a forked process, and the pipes to it."""

import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from smserve.server.workers.channel import Order, Report, WorkerEnd

__all__ = ["Child"]

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


class Child:
    """Runs from when it is made.

    Attributes:
        pid: Of the process.
        reports: Descriptor of what it tells, to wait for.
        has_loaded: As it has told.
        may_serve: It was ordered to.
        metrics_url: Where it is scraped; None for nowhere.
        failure: Why it can't serve, as it has told.
    """

    def __init__(self, run: Callable[[WorkerEnd], int], strangers: Iterable[int] = ()) -> None:
        """Fork.

        Args:
            run: What the process does; returns its exit code.
            strangers: Descriptors of the supervisor that it closes: a pipe ends when nobody holds it any more.
        """
        orders, self._orders = os.pipe()
        self.reports, reports = os.pipe()
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)  # one that comes now must not meet the supervisor's handlers
        try:
            self.pid: Final = os.fork()
            if self.pid == 0:
                _be(run, WorkerEnd(orders, reports), (self._orders, self.reports, *strangers))
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        os.close(orders)
        os.close(reports)
        self._unread = b""
        self.has_loaded = False
        self.may_serve = False
        self._serving_since: float | None = None  # on the monotonic clock
        self.metrics_url: str | None = None
        self.failure = ""

    @property
    def descriptors(self) -> tuple[int, int]:
        """What the supervisor holds of it."""
        return self._orders, self.reports

    def order(self, order: Order) -> None:
        """Tell it something; without effect once it is gone."""
        self.may_serve |= order is Order.SERVE
        with contextlib.suppress(BrokenPipeError):
            os.write(self._orders, order.value)

    def terminate(self) -> None:
        """Ask it to stop; it must not have been waited for."""
        os.kill(self.pid, signal.SIGTERM)

    def listen(self) -> bool:
        """Take in what it has told, when there is something; returns whether its pipe has ended."""
        data = os.read(self.reports, 65536)
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            self._note(Report.from_line(line))
        return not data

    def wait(self) -> str:
        """Wait for its end, let go of the pipes, and return for people how it ended; "" for exit code 0."""
        _, status = os.waitpid(self.pid, 0)
        for descriptor in self.descriptors:
            os.close(descriptor)
        code = os.waitstatus_to_exitcode(status)
        if code < 0:
            return f"killed by signal {signal.Signals(-code).name}"
        return f"ended with exit code {code}" if code else ""

    def serves(self) -> bool:
        """Whether it has told that it answers."""
        return self._serving_since is not None

    def served_s(self) -> float:
        """Return how long it has answered."""
        return 0.0 if self._serving_since is None else time.monotonic() - self._serving_since

    def _note(self, report: Report) -> None:
        self.has_loaded |= report.loaded
        if report.serving:
            self._serving_since, self.metrics_url = time.monotonic(), report.metrics_url
        self.failure = report.failure or self.failure


def _be(run: Callable[[WorkerEnd], int], end: WorkerEnd, strangers: Iterable[int]) -> None:
    """Be the worker; never returns, since what is above on the stack is the supervisor's."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        for descriptor in strangers:
            os.close(descriptor)
        code = run(end)
    finally:
        for flush in _flushes():
            flush()
        os._exit(code)


def _flushes() -> Iterator[Callable[[], None]]:
    yield logging.shutdown
    for stream in (sys.stdout, sys.stderr):
        yield stream.flush
