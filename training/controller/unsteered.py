"""Difficulties that no error changes, for the paper's rows without adaptation."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from smserve.errors import InvalidInput
from training.controller.controller import Controller, Pair, Step

__all__ = ["FixedDifficulty", "Schedule"]


class FixedDifficulty(Controller):
    """The first difficulty stays."""

    kind: ClassVar[str] = "fixed"

    def _next(self, pairs: Sequence[Pair], validation_error: float | None) -> Step:  # noqa: ARG002 - nothing is steered
        return Step(error=pairs[-1][0], before=self.value, value=self.value, wanted=self.value)


class Schedule(Controller):
    """A difficulty an epoch, from the first mined one on; the last one is kept."""

    kind: ClassVar[str] = "schedule"

    def __init__(self, *, schedule: Sequence[float], pairs: Iterable[Pair] = ()) -> None:
        """Take one or more difficulties; go on after `pairs`, one an epoch.

        Raises:
            InvalidInput: There is none.
        """
        if not schedule:
            raise InvalidInput("the schedule of difficulties is empty; wanted one or more", field="schedule")
        self._schedule = tuple(schedule)
        done = tuple(pairs)
        super().__init__(first=self._schedule[0], value=self._after(len(done)), pairs=done)

    def _next(self, pairs: Sequence[Pair], validation_error: float | None) -> Step:  # noqa: ARG002 - nothing is steered
        value = self._after(len(pairs))
        return Step(error=pairs[-1][0], before=self.value, value=value, wanted=value)

    def _after(self, epochs: int) -> float:
        return self._schedule[min(epochs, len(self._schedule) - 1)]
