"""Rows are verified in the background soon after a gallery is opened, so that its first filter need not wait for it.

A filter that comes earlier verifies what is left. What is damaged is logged, and every filter refuses it: nobody relies
on this thread.
"""

import logging
import threading
import time
from pathlib import Path
from typing import Final

from smserve.errors import SmserveError, Unavailable
from smserve.gallery.records import Records

__all__ = ["VerificationAhead"]

_log: Final = logging.getLogger(__name__)

_AFTER_S: Final = 2.0  # a server starts in less, and a command that opens a gallery for a moment is through by then
_ROWS: Final = 64  # a quarter of a millisecond, for which searches may wait
_PAUSES: Final = 4  # as long between them as each took: searches come first
_END_S: Final = 1.0


class VerificationAhead:
    """Begins at once, with a wait, and ends by itself."""

    def __init__(self, gallery: Path, records: Records, *, after_s: float = _AFTER_S) -> None:
        """Begin.

        Args:
            gallery: Its folder, for messages.
            records: Open.
            after_s: Seconds to wait before.
        """
        self._gallery: Final = gallery
        self._records: Final = records
        self._closing: Final = threading.Event()
        # It only reads, so a process may end beneath it.
        self.thread: Final = threading.Thread(target=self._run, args=(after_s,), name="smserve-verifying", daemon=True)
        self.thread.start()

    def close(self) -> None:
        """End it; twice is harmless. One long look at an index is not waited for: it ends by itself."""
        self._closing.set()
        self.thread.join(_END_S)

    def _run(self, after_s: float) -> None:
        pause = after_s
        try:
            while not self._closing.wait(pause):
                began = time.monotonic()
                if not self._records.verify_ahead(_ROWS):
                    return
                pause = _PAUSES * (time.monotonic() - began)
        except Unavailable:
            pass  # closed meanwhile
        except SmserveError as error:
            _log.error(
                "gallery %s is damaged; filters, and what else needs that, are refused: %s", self._gallery, error
            )
