"""`smserve ui` as a process of its own."""

import signal
import subprocess
import sys
import urllib.request

from tests.cli.conftest import Run

COMMAND = [sys.executable, "-c", "from smserve.cli import main; main()", "ui", "--port", "0", "--no-browser"]


def test_it_shows_the_server_and_stops_on_sigterm(address: str) -> None:
    with subprocess.Popen(
        [*COMMAND, "--server", address], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("open http://127.0.0.1:"), process.communicate(timeout=10)
            with urllib.request.urlopen(line.split()[-1], timeout=20) as answer:  # noqa: S310 - it is http, see above
                assert "drawn (24 items)" in answer.read().decode()
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=20)
        finally:
            if process.poll() is None:
                process.kill()
    assert errors == ""


def test_other_machines_are_let_in_only_when_asked(run: Run) -> None:
    done = run("ui", "--host", "0.0.0.0", "--no-browser")  # noqa: S104 - what is refused
    assert done.exit_code == 2
    assert "--insecure" in done.stderr


def test_a_port_that_is_taken_is_told(address: str) -> None:
    port = address.rpartition(":")[2]
    done = subprocess.run(
        [*COMMAND, "--server", address, "--port", port], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: the page can't listen on 127.0.0.1:{port}")
