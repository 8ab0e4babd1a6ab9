"""Log lines are written together: one system call a line, on the thread that answers, costs a tenth of a short call."""

import logging
import threading
from logging.handlers import MemoryHandler
from typing import Final

__all__ = ["LogBuffer"]

_MOST_LINES: Final = 1000
_WRITTEN_AFTER_S: Final = 0.1


class LogBuffer(MemoryHandler):
    """Hands lines on after a tenth of a second; with a warning, or worse, at once, and so at the process's end.

    A process that is killed takes the lines of its last tenth of a second with it.
    """

    def __init__(self, target: logging.Handler) -> None:
        """Stand before a handler."""
        super().__init__(_MOST_LINES, flushLevel=logging.WARNING, target=target)
        self._closing: Final = threading.Event()
        threading.Thread(target=self._write_now_and_then, name="smserve-log", daemon=True).start()

    def close(self) -> None:
        """Hand on what is left."""
        self._closing.set()
        super().close()

    def _write_now_and_then(self) -> None:
        while not self._closing.wait(_WRITTEN_AFTER_S):
            if self.buffer:
                self.flush()
