"""Compact in a thread of its own when a policy wants it, one time after the other."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from smserve.errors import SmserveError, Unavailable
from smserve.gallery.compaction import CompactionPolicy
from smserve.gallery.view import View

__all__ = ["BackgroundCompaction"]

_log: Final = logging.getLogger(__name__)


class BackgroundCompaction:
    """Safe to use from many threads.

    Attributes:
        thread: The last one that was started; None where none was.
    """

    def __init__(
        self,
        gallery: Path,
        policy: CompactionPolicy | None,
        *,
        compact: Callable[[], object],
        view: Callable[[], View],
        allowed: Callable[[], bool],
    ) -> None:
        """Begin with none running.

        Args:
            gallery: Its folder, for messages.
            policy: When to compact; None for never.
            compact: Does it; raises Unavailable where the gallery was closed.
            view: Returns the view in use.
            allowed: Whether one may start by itself now.
        """
        self._gallery: Final = gallery
        self._policy: Final = policy
        self._compact: Final = compact
        self._view: Final = view
        self._allowed: Final = allowed
        self._starting: Final = threading.Lock()
        self._running = False
        self._not_before = 0  # pending rows from which on a compaction that failed is tried again
        self.thread: threading.Thread | None = None

    def start_in_time(self) -> None:
        """Start one where it is time for it and none runs."""
        if self._is_time():
            self.start()

    def start(self) -> None:
        """Start one where there is a policy, and none runs."""
        with self._starting:
            if self._policy is not None and not self._running:
                self._running = True
                self.thread = threading.Thread(target=self._run, name="smserve-compaction")
                self.thread.start()

    def join(self) -> None:
        """Wait for the one that runs."""
        if self.thread is not None:
            self.thread.join()

    def succeeded(self) -> None:
        """Be told of any compaction that went well: after failures, the next one need not wait for more rows."""
        self._not_before = 0

    def _is_time(self) -> bool:
        view = self._view()
        return (
            self._policy is not None
            and self._policy.wants(view)
            and view.pending >= self._not_before
            and self._allowed()
        )

    def _run(self) -> None:
        while self._running:
            try:
                self._compact()
            except Unavailable:
                pass  # closed meanwhile
            except SmserveError as error:
                least = self._policy.least if self._policy else 0
                self._not_before = self._view().pending + max(least, 1)
                _log.error("gallery %s could not be compacted and goes on as it is: %s", self._gallery, error)
            except BaseException:
                self._running = False
                raise
            with self._starting:  # whoever writes after this starts the next one; before, this goes on
                self._running = self._is_time()
