"""`smserve serve` on a free loopback port, as a process of its own."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

__all__ = ["COMMAND", "ServerProcess", "processor_s", "resident_bytes"]

COMMAND: Final = (sys.executable, "-c", "from smserve.cli import main; main()", "serve", "--port", "0")
"""Starts one; options follow."""
_ENDS_WITHIN_S: Final = 90
_LOOK_S: Final = 0.5
_IDLE_S: Final = 3.0  # longer than it waits before it begins something
_IDLE_SHARE: Final = 0.05


class ServerProcess:
    """Answers from its making on; a context manager that stops it.

    Attributes:
        address: HOST:PORT.
        pid: Of the process.
    """

    def __init__(self, model: Path, *options: str, log_level: str = "error") -> None:
        """Start it, and wait until it listens.

        Args:
            model: Its model file.
            options: Further ones of `smserve serve`.
            log_level: What it logs; at "info", a line for each call, it goes nowhere.
        """
        self._process: Final = subprocess.Popen(
            [*COMMAND, "--model", str(model), "--log-level", log_level, *options],
            stdout=subprocess.PIPE,
            stderr=None if log_level == "error" else subprocess.DEVNULL,
            text=True,
        )
        self.pid: Final = self._process.pid
        line = self._process.stdout.readline() if self._process.stdout is not None else ""
        if not line.startswith("listening on "):
            sys.exit(f"Error: the server ended with status {self._process.wait(timeout=_ENDS_WITHIN_S)}; see above")
        self.address: Final = line.split()[-1]

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def wait_until_idle(self, timeout_s: float = 60) -> None:
        """Wait until it, with its workers, does nothing of its own, as it does for a while after its start."""
        end = time.monotonic() + timeout_s
        worked = idle_s = 0.0
        while idle_s < _IDLE_S and time.monotonic() < end:
            time.sleep(_LOOK_S)
            before, worked = worked, sum(map(processor_s, [self.pid, *_children(self.pid)]))
            idle_s = idle_s + _LOOK_S if worked - before < _IDLE_SHARE * _LOOK_S else 0.0

    def terminate(self) -> None:
        """Ask it to stop, and return at once."""
        self._process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        """Wait for its end; returns its exit code, negative for a signal. One that doesn't end is killed."""
        try:
            return self._process.wait(timeout=_ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()
        finally:
            if self._process.stdout is not None:
                self._process.stdout.close()

    def stop(self) -> int:
        """Ask it to stop, and wait for its end; see `wait`."""
        if self.is_running:
            self.terminate()
        return self.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def processor_s(pid: int) -> float:
    """Return how long a process has run on any processor; NaN where Linux's /proc isn't there."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return float("nan")
    user, system = stat.read_text(encoding="utf-8").rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / 100  # USER_HZ, which Linux fixes


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in listed.read_text(encoding="ascii").split()] if listed.exists() else []


def resident_bytes(pid: int, *, peak: bool = False) -> int:
    """Return the memory of a process that is in use now, or the most that ever was."""
    name = "VmHWM:" if peak else "VmRSS:"
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"process {pid} has ended")
