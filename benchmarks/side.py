"""Start the sides, and let them search in turn."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

__all__ = ["Side"]

_ROOT = Path(__file__).parents[1]


class Side:
    """A contender's process; a context manager."""

    def __init__(self, name: str, command: list[str], threads: int) -> None:
        """Start it.

        Args:
            name: Of the side.
            command: Of the module that serves it, and the interpreter.
            threads: OpenMP's; each search is told how many of them it uses.
        """
        self.name = name
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "PASSIVE"}
        self._process = subprocess.Popen(
            command, cwd=_ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.built = self._answer()

    def ask(self, **what: Any) -> dict[str, Any]:
        """Let it do something, and return what came of it."""
        if self._process.stdin is None:
            raise ValueError("no standard input")
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def __enter__(self) -> "Side":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=60)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _answer(self) -> dict[str, Any]:
        line = self._process.stdout.readline() if self._process.stdout is not None else ""
        if not line:
            sys.exit(f"Error: {self.name} ended with status {self._process.wait()}; see above")
        answer: dict[str, Any] = json.loads(line)
        return answer
