"""LitServe in an environment of its own, and as a process."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

__all__ = ["KINDS", "LitServeProcess", "make_environment"]

KINDS: Final = {"default": 1.5, "tuned": 1.0}
"""With the goal of ours over it."""
_APP: Final = Path(__file__).with_name("litserve_app.py")
_PACKAGES: Final = ("litserve==0.2.19", "onnxruntime", "faiss-cpu", "numpy", "pillow")
_STARTS_WITHIN_S: Final = 120


def make_environment(folder: Path) -> Path:
    """Return the Python of an environment with LitServe, which is made where it isn't there yet."""
    python = folder / "bin" / "python"
    ready = folder / "ready"
    if not ready.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        constraints = Path(__file__).parents[2] / "constraints.txt"
        subprocess.run(
            [str(python), "-m", "pip", "install", "--quiet", "--constraint", str(constraints), *_PACKAGES], check=True
        )
        ready.touch()
    return python


class LitServeProcess:
    """Answers from its making on; a context manager that stops it."""

    def __init__(self, python: Path, model: Path, folder: Path, kind: str) -> None:
        """Start it, and wait until it is healthy.

        Args:
            python: Of its environment.
            model: The model file.
            folder: Of index.faiss and items.json.
            kind: One of `KINDS`.
        """
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port: Final[int] = free.getsockname()[1]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"} if kind == "tuned" else dict(os.environ)
        environment.pop("PYTHONPATH", None)
        self._process: Final = subprocess.Popen(
            [str(python), str(_APP), str(model), str(folder), str(self._port), kind],
            env=environment,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # its workers outlive it otherwise
        )
        self.address: Final = f"127.0.0.1:{self._port}"
        self._wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _wait(self) -> None:
        end = time.monotonic() + _STARTS_WITHIN_S
        while time.monotonic() < end and self._process.poll() is None:
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
            try:
                connection.request("GET", "/health")
                if connection.getresponse().status == http.client.OK:
                    return
            except OSError:
                pass
            finally:
                connection.close()
            time.sleep(0.2)
        self._stop()
        sys.exit("Error: LitServe did not start; see above")

    def _stop(self) -> None:
        try:
            os.killpg(self._process.pid, signal.SIGTERM)
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        except ProcessLookupError:
            self._process.wait()
