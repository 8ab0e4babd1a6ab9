"""Signals as something to wait for, whichever thread the kernel gave them to.

Each test has a process of its own, which is sent SIGTERM.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable

import pytest

from smserve.server.signals import Signals
from tests.server.asking import wait_for


def one_that_came_before_is_not_waited_for() -> None:
    with Signals(signal.SIGTERM) as signals:
        os.kill(os.getpid(), signal.SIGTERM)
        signals.wait()
        assert signals.take() == 0


def one_that_another_thread_was_given_ends_the_wait() -> None:
    over = threading.Event()
    elsewhere = threading.Thread(target=over.wait)
    elsewhere.start()
    assert elsewhere.ident is not None
    with Signals(signal.SIGTERM) as signals:
        threading.Timer(0.2, signal.pthread_kill, (elsewhere.ident, signal.SIGTERM)).start()
        signals.wait()
    over.set()


def a_signal_of_others_does_not_end_it() -> None:
    signal.signal(signal.SIGUSR1, lambda *_: None)
    with Signals(signal.SIGTERM) as signals:
        os.kill(os.getpid(), signal.SIGUSR1)
        soon = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM))
        soon.start()
        signals.wait()
        soon.join()
        assert signals.take() == 0  # it waited for the second one


def the_end_of_a_pipe_ends_it() -> None:
    reading, writing = os.pipe()
    with Signals(signal.SIGTERM) as signals:
        threading.Timer(0.2, os.close, (writing,)).start()
        signals.wait(reading)


def something_is_called_at_each_inside_the_block_alone() -> None:
    called: list[int] = []
    with Signals(signal.SIGTERM) as signals:
        with signals.calling(lambda: called.append(1)):
            os.kill(os.getpid(), signal.SIGTERM)
            wait_for(lambda: len(called) == 1, timeout_s=10)
            os.kill(os.getpid(), signal.SIGTERM)
            wait_for(lambda: len(called) == 2, timeout_s=10)
        os.kill(os.getpid(), signal.SIGTERM)
        wait_for(lambda: signals.take() == 1, timeout_s=10)
    assert len(called) == 2


def handlers_are_as_before_in_the_end() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Signals(signal.SIGTERM):
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before
    assert signal.set_wakeup_fd(-1) == -1


@pytest.mark.parametrize(
    "act",
    [
        one_that_came_before_is_not_waited_for,
        one_that_another_thread_was_given_ends_the_wait,
        a_signal_of_others_does_not_end_it,
        the_end_of_a_pipe_ends_it,
        something_is_called_at_each_inside_the_block_alone,
        handlers_are_as_before_in_the_end,
    ],
    ids=lambda act: str(act.__name__),
)
def test_signals(act: Callable[[], None]) -> None:
    process = multiprocessing.get_context("spawn").Process(target=act)
    process.start()
    process.join(60)
    process.kill()
    assert process.exitcode == 0
