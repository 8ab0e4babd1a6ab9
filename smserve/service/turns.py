"""Who may run, and when."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from smserve.engine import StillWanted

__all__ = ["Turns"]


class Turns(Protocol):
    """Who may run, and when; see `smserve.server.entrance.Entrance`."""

    @property
    def is_closed(self) -> bool:
        """Whether no further call is let in."""

    def enter(
        self,
        still_wanted: StillWanted,
        *,
        remaining_s: float | None = None,
        kind: str = "",
        is_stream: bool = False,
    ) -> Callable[[], None]:
        """Wait for a place, and return the function that gives it back."""
