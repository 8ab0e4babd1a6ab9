"""Whether a worker that has died is started again, and when."""

from dataclasses import dataclass
from typing import Final

__all__ = ["RestartPolicy", "Restarts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartPolicy:
    """How patient a supervisor is.

    Attributes:
        delays_s: Waits before the first start anew, the second, and so on, of deaths in a row; after the last one it is
            given up.
        settled_s: A worker that has served for so long before it died begins a new row.
    """

    delays_s: tuple[float, ...] = (0.5, 1, 2, 4)
    settled_s: float = 60


class Restarts:
    """The deaths in a row of one worker."""

    def __init__(self, policy: RestartPolicy) -> None:
        self._policy: Final = policy
        self.in_a_row = 0

    def after(self, served_s: float) -> float | None:
        """Note a death after so many seconds of serving; returns the wait until the next start, None to give up."""
        self.in_a_row = 1 if served_s >= self._policy.settled_s else self.in_a_row + 1
        delays = self._policy.delays_s
        return delays[self.in_a_row - 1] if self.in_a_row <= len(delays) else None
