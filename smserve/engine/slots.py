"""What stands behind a gallery's name: the pair of gallery and model in use, and those that calls still use."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from smserve.engine.gate import WriteGate
from smserve.engine.interest import StillWanted
from smserve.engine.served import ServedGallery

__all__ = ["Holding", "Slot"]

_POLL_S: Final = 0.1  # how soon who waits notices that the answer is no longer wanted


class Holding:
    """An open gallery, and how many calls use it."""

    def __init__(self, served: ServedGallery) -> None:
        self.served: Final = served
        self.calls = 0
        self.is_retired = False


class Slot:
    """Safe to use from many threads.

    Attributes:
        name: The gallery's.
        gate: Writes pass it.
        administering: Held by the one who changes the model, or drops the gallery.
        is_dropped: No further call may begin.
    """

    def __init__(self, served: ServedGallery, changed: threading.Condition) -> None:
        """Begin with an open gallery; `changed` is the catalogue's, whose lock guards this, too."""
        self.name: Final = served.name
        self.gate: Final = WriteGate()
        self.administering: Final = threading.Lock()
        self.is_dropped = False
        self._holding = Holding(served)
        self._retired: list[Holding] = []  # not closed yet
        self._changed: Final = changed

    @property
    def served(self) -> ServedGallery:
        """The pair in use."""
        return self._holding.served

    def begin(self) -> Holding:
        """Let a call use the pair in use, until `end`; that stays open as long."""
        with self._changed:
            self._holding.calls += 1
            return self._holding

    def end(self, holding: Holding) -> None:
        """End a call's use; the last one of a pair that is in use no longer closes it."""
        with self._changed:
            holding.calls -= 1
            is_last = holding.is_retired and not holding.calls
        if is_last:
            self._close(holding)

    @contextmanager
    def without_writes(self, still_wanted: StillWanted) -> Iterator[None]:
        """Let no write be under way inside the block; searches go on."""
        with self.gate.held(still_wanted):
            yield

    def replace(self, served: ServedGallery) -> None:
        """Let calls that begin from now on use another pair; that before is closed when its last call ends."""
        with self._changed:
            before, self._holding = self._holding, Holding(served)
            close = self._retire(before)
        close()

    def remove(self) -> None:
        """Let no further call begin; the gallery is closed when its last call ends."""
        with self._changed:
            self.is_dropped = True
            close = self._retire(self._holding)
        close()

    def wait_until_closed(self, still_wanted: StillWanted) -> None:
        """Wait until every pair that is in use no longer is closed."""
        with self._changed:
            while self._retired:
                still_wanted()
                self._changed.wait(_POLL_S)

    def close(self) -> None:
        """Close all, in use or not; calling it twice is harmless."""
        with self._changed:
            holdings = [self._holding, *self._retired]
        for holding in holdings:
            holding.served.reader.close()

    def _retire(self, holding: Holding) -> Callable[[], None]:
        """Note that it is in use no longer; returns what is to be done once the lock is free."""
        holding.is_retired = True
        self._retired.append(holding)
        return (lambda: None) if holding.calls else (lambda: self._close(holding))

    def _close(self, holding: Holding) -> None:
        try:
            holding.served.reader.close()
        finally:
            with self._changed:
                self._retired.remove(holding)
                self._changed.notify_all()
