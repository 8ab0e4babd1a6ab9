"""A gate that writes pass, many at a time, until somebody holds them back."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from smserve.engine.interest import StillWanted

__all__ = ["WriteGate"]

_POLL_S: Final = 0.1  # how soon who waits notices that the answer is no longer wanted


class WriteGate:
    """Who holds it waits for the writes under way, and is alone then; writes that come meanwhile wait."""

    def __init__(self) -> None:
        self._passing = 0
        self._held = False
        self._changed = threading.Condition()

    @contextmanager
    def passing(self, still_wanted: StillWanted) -> Iterator[None]:
        """Let a write be under way inside the block; what `still_wanted` raises ends a wait for the gate."""
        with self._changed:
            while self._held:
                still_wanted()
                self._changed.wait(_POLL_S)
            self._passing += 1
        try:
            yield
        finally:
            with self._changed:
                self._passing -= 1
                self._changed.notify_all()

    @contextmanager
    def held(self, still_wanted: StillWanted) -> Iterator[None]:
        """Let no write be under way inside the block; one holder at a time."""
        with self._changed:
            while self._held:
                still_wanted()
                self._changed.wait(_POLL_S)
            self._held = True
        try:
            with self._changed:
                while self._passing:
                    still_wanted()
                    self._changed.wait(_POLL_S)
            yield
        finally:
            with self._changed:
                self._held = False
                self._changed.notify_all()
