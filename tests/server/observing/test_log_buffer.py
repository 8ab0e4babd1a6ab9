"""Lines that wait to be written: not for long, and none is lost."""

import io
import logging
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator

import pytest

from smserve.server.observing.log_buffer import LogBuffer


@pytest.fixture
def written() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def log(written: io.StringIO) -> Iterator[logging.Logger]:
    buffer = LogBuffer(logging.StreamHandler(written))
    log = logging.Logger("of the test", logging.INFO)
    log.addHandler(buffer)
    yield log
    buffer.close()


def test_a_line_is_written_by_itself(log: logging.Logger, written: io.StringIO) -> None:
    log.info("one")
    end = time.monotonic() + 10
    while not written.getvalue():
        assert time.monotonic() < end
        time.sleep(0.01)
    assert written.getvalue() == "one\n"


def test_a_warning_is_written_at_once_after_what_came_before(log: logging.Logger, written: io.StringIO) -> None:
    log.info("one")
    log.warning("two")
    assert written.getvalue() == "one\ntwo\n"


def test_what_waits_is_written_at_the_end_of_the_process() -> None:
    program = """
        import logging
        from smserve.server import LogFormat, configure_logs

        configure_logs("info", LogFormat.CONSOLE)
        logging.info("the last line")
    """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=60, check=True
    )
    assert ran.stderr.endswith("the last line\n")
