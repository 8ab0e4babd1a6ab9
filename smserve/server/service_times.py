"""How long the latest calls took, so that a call which would come too late is known before it runs."""

from collections import deque
from typing import Final

__all__ = ["ServiceTimes"]

_LATEST: Final = 101  # calls of a kind that the median is of
_RENEWED: Final = 8  # calls after which a median is found anew: sorting at each would cost more than it tells


class _Latest:
    """The times of one kind."""

    def __init__(self) -> None:
        self._times: Final[deque[float]] = deque(maxlen=_LATEST)
        self._added = 0
        self.median_s = 0.0

    def add(self, time_s: float) -> None:
        self._times.append(time_s)
        self._added += 1
        if self._added % _RENEWED == 0 or self._added < _RENEWED:
            self.median_s = sorted(self._times)[len(self._times) // 2]


class ServiceTimes:
    """Medians by kind of call and of all; not safe to use from many threads at once."""

    def __init__(self) -> None:
        self._all: Final = _Latest()
        self._by_kind: Final[dict[str, _Latest]] = {}

    def add(self, kind: str, time_s: float) -> None:
        """Take a call's time into account."""
        self._all.add(time_s)
        times = self._by_kind.get(kind)
        if times is None:
            times = self._by_kind[kind] = _Latest()
        times.add(time_s)

    def median_s(self, kind: str | None = None) -> float:
        """Return the median of a kind, or of all; 0 where there was no call."""
        times = self._all if kind is None else self._by_kind.get(kind)
        return 0.0 if times is None else times.median_s
