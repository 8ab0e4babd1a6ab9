"""Signals as something to wait for, whichever thread the kernel gave them to; those that harm nobody by default."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from smserve.server.signals import Signals
from tests.server.asking import wait_for


@pytest.fixture
def signals() -> Iterator[Signals]:
    with Signals(signal.SIGWINCH) as watching:
        yield watching


@pytest.fixture
def elsewhere() -> Iterator[threading.Thread]:
    """A thread that does nothing."""
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    yield thread
    over.set()
    thread.join()


def test_one_that_came_before_is_not_waited_for(signals: Signals) -> None:
    os.kill(os.getpid(), signal.SIGWINCH)
    signals.wait()
    assert signals.take() == 0


def test_one_that_another_thread_was_given_ends_the_wait(signals: Signals, elsewhere: threading.Thread) -> None:
    assert elsewhere.ident is not None
    soon = threading.Timer(0.2, signal.pthread_kill, (elsewhere.ident, signal.SIGWINCH))
    soon.start()
    signals.wait()
    soon.join()


def test_a_signal_of_others_does_not_end_it(signals: Signals) -> None:
    before = signal.signal(signal.SIGURG, lambda *_: None)
    try:
        os.kill(os.getpid(), signal.SIGURG)
        soon = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGWINCH))
        soon.start()
        signals.wait()
        assert soon.finished.is_set()
        soon.join()
    finally:
        signal.signal(signal.SIGURG, before)


def test_the_end_of_a_pipe_ends_it(signals: Signals) -> None:
    reading, writing = os.pipe()
    soon = threading.Timer(0.2, os.close, (writing,))
    soon.start()
    signals.wait(reading)
    soon.join()
    os.close(reading)


def test_something_is_called_at_each_inside_the_block_alone(signals: Signals) -> None:
    called: list[int] = []
    with signals.calling(lambda: called.append(1)):
        for count in (1, 2):
            os.kill(os.getpid(), signal.SIGWINCH)
            wait_for(lambda count=count: len(called) == count, timeout_s=10)  # type: ignore[misc]
    os.kill(os.getpid(), signal.SIGWINCH)
    wait_for(lambda: signals.take() == 1, timeout_s=10)
    assert len(called) == 2


def test_handlers_are_as_before_in_the_end() -> None:
    before = signal.getsignal(signal.SIGWINCH)
    with Signals(signal.SIGWINCH):
        assert signal.getsignal(signal.SIGWINCH) != before
    assert signal.getsignal(signal.SIGWINCH) == before
    assert signal.set_wakeup_fd(-1) == -1
